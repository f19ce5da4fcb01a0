// CommitReport: what a store tells the committer about one commit.
#pragma once

#include <array>
#include <cstdint>

#include "ledge/base/ids.hpp"
#include "ledge/journal/write_class.hpp"

namespace ledge::storage {

using journal::write_classes;
using journal::WriteClass;

struct CommitReport {
    Ticket last = no_ticket;                           // this ticket and all earlier tickets are durable now
    std::array<std::uint64_t, write_classes> given{};  // bytes of keys and bodies handed over, by WriteClass
    std::uint64_t device_bytes = 0;  // pages written, in bytes, without the filesystem's own writes; 0 = unknown
    double used_fraction = 0;        // as Store::used_fraction() returns it
    std::uint64_t used_bytes = 0;    // as Store::room() returns them
    std::uint64_t size_max_bytes = 0;
    std::uint64_t bad_rows = 0;  // rows that could not be read since the store was opened
};

}  // namespace ledge::storage
