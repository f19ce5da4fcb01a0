// JournalOptions: when pending records have to be written, and how many bytes of them may wait.
#pragma once

#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge::journal {

struct JournalOptions {
    bool is_enabled = false;          // false = nothing is recorded, and every ticket is durable
    Duration commit_delay = 5ms;      // for Urgency::soon and Urgency::paced
    Duration paced_interval = 500ms;  // each interval restores one commit for Urgency::paced, up to paced_commits
    Duration lazy_interval = 1s;      // for Urgency::lazy; a crash loses at most this much of relaxed publications
    std::uint64_t bytes_max = 32 * 1024 * 1024;  // pending and under way; above this limit publications are refused
    std::uint64_t bytes_urgent = 1024 * 1024;    // from this many pending bytes on, a commit is due at once
};

}  // namespace ledge::journal
