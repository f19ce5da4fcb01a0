// ReloadTask: one reading of the configuration, or of the files with users and rights, while the broker runs. The
// embedding program makes the tasks; the BrokerLoop carries them out, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace ledge::runtime {

/// The outcome of reading the files with users and rights again.
enum class Reloaded : std::uint8_t {
    in_force,  // the files are valid, and BrokerLoop::set_policy() was called with their content
    refused,   // the files have mistakes: the former policy stays in force, and the refusal is counted
};

class ReloadTask {
public:
    ReloadTask() = default;
    ReloadTask(const ReloadTask&) = delete;
    ReloadTask& operator=(const ReloadTask&) = delete;
    /// When the broker stops during read(), the task may be destroyed on the worker's thread, without put_in_force().
    virtual ~ReloadTask() = default;

    /// Reads, parses and checks the files, on a worker's thread. Touches nothing but the task's own data.
    virtual void read() = 0;
    /// Puts what was read in force, or refuses it, on the loop's thread. Called once, after read().
    virtual Reloaded put_in_force() = 0;
};

/// Makes a task, on the loop's thread, just before the files are read. Never returns nullptr.
using MakeReloadTask = std::function<std::unique_ptr<ReloadTask>()>;

}  // namespace ledge::runtime
