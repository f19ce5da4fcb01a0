// ChildProgram: another program that runs beside this one and gets descriptors of this process: the new broker of an
// upgrade. It has the standard streams, the folder and the process group of this process. The caller owns the object;
// any thread, one at a time.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"

namespace ledge::os {

class ChildProgram {
public:
    /// The number of the first descriptor that the program gets, as systemd counts them (SD_LISTEN_FDS_START).
    static constexpr int first_descriptor = 3;

    struct Start {
        std::string path;                      // of the program's file; it is not searched for in PATH
        std::vector<std::string> arguments;    // argv, with the name of the program first; not empty
        std::vector<std::string> environment;  // "NAME=value"
        std::vector<int> descriptors;  // the program gets them as first_descriptor and the numbers behind it, no others
    };

    /// Starts the program, with all signals in their usual state. The error is the system's reason.
    static Result<ChildProgram, std::error_code> start(const Start& start);

    ChildProgram(ChildProgram&& other) noexcept;
    ChildProgram& operator=(ChildProgram&&) = delete;
    /// Leaves the program alone: it may run longer than this process.
    ~ChildProgram() = default;

    pid_t id() const { return id_; }
    /// Waits for the end of the program, at most `grace`, then kills it, and waits again, at most `time_max`. Returns
    /// how it has ended, as a part of a sentence: "has ended with status 1", "was ended by signal 9"; "does not end"
    /// after `time_max`.
    std::string end(Duration time_max, Duration grace = Duration::zero());

private:
    explicit ChildProgram(pid_t id) : id_(id) {}
    std::optional<std::string> wait(Duration time_max) const;
    pid_t id_;
};

}  // namespace ledge::os
