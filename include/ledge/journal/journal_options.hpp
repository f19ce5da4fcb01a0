// JournalOptions: when pending records have to be written, and how many may wait.
#pragma once

#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge::journal {

struct JournalOptions {
    bool is_enabled = false;                     // false: nothing is recorded, every ticket is durable
    Duration commit_delay = 5ms;                 // for Urgency::soon and paced
    Duration paced_interval = 500ms;             // each regains one commit for Urgency::paced, up to paced_commits
    Duration lazy_interval = 1s;                 // for Urgency::lazy, and the longest a relaxed publication is at risk
    std::uint64_t bytes_max = 32 * 1024 * 1024;  // pending and being written; from here on publications are refused
    std::uint64_t bytes_urgent = 1024 * 1024;    // from here on a commit is due at once
};

}  // namespace ledge::journal
