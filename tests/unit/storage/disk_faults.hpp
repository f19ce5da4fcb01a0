// A disk that says no. This test program's own pwrite, writev, fdatasync and statvfs stand before those of the system,
// for LMDB too, and fail as they are told.
#pragma once

#include <atomic>

namespace ledge::storage::test {

struct DiskFaults {
    std::atomic<int> pages = 0;             // errno of writes of whole pages; 0: they go well
    std::atomic<int> meta = 0;              // errno of writes of LMDB's meta pages
    std::atomic<int> syncs = 0;             // errno of syncs
    std::atomic<bool> is_short = false;     // writes of pages end half way
    std::atomic<bool> has_no_room = false;  // what statvfs says
    std::atomic<int> synced = 0;            // syncs so far

    void clear();
};
extern DiskFaults disk_faults;

/// The faults end with the test.
class FaultyDisk {
public:
    FaultyDisk() { disk_faults.clear(); }
    ~FaultyDisk() { disk_faults.clear(); }
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;
};

}  // namespace ledge::storage::test
