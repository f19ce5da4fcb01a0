// KilledPrograms: processes that were killed and have not ended yet, because they wait for a device. Somebody must ask
// for their end, or the system keeps them as zombies. Any thread.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ledge::os {

class KilledPrograms {
public:
    /// Those of this process.
    static KilledPrograms& all();

    /// `process` is a child of this process that nobody else asks for.
    void keep(const std::vector<std::string>& command, pid_t process);
    /// Forgets all that have ended. Returns true if one of the others was started by `command`.
    bool has(const std::vector<std::string>& command);

private:
    std::mutex mutex_;
    std::vector<std::pair<std::vector<std::string>, pid_t>> processes_;  // at most one of each command
};

}  // namespace ledge::os
