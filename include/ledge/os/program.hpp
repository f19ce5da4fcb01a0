// run_program(): runs another program, without a shell, and returns what it prints. The call waits until the program
// has ended, so it belongs on a worker's thread. Any thread may make it.
//
// The program gets an empty standard input, no other descriptor of this process, all signals in their usual state, and
// the environment and the folder of this process. It is the leader of a process group of its own; when it must end
// early, the whole group is killed. A child that it leaves behind at its own end goes on, and is not waited for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ledge/base/secret.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::os {

struct ProgramLimits {
    Duration time_max = 10s;                    // then the program is killed
    std::size_t output_bytes_max = 128 * 1024;  // of its standard output; a program that prints more is killed
    std::size_t errors_bytes_max = 1024;        // of its standard error that are kept; the rest is read and dropped
};

struct ProgramResult {
    std::string problem;  // what the program did wrong, as a sentence part: "has ended with status 1"; "" = nothing
    Secret output;        // its standard output, which may be a password
    std::string errors;   // the beginning of its standard error
};

/// Ends a running program from another thread.
class ProgramStop {
public:
    ProgramStop();
    /// False = the system had no descriptor left. Then no program is started with this object.
    bool is_open() const { return event_.is_open(); }
    /// Kills the program that runs with this object, and every later one. Any thread, at any time.
    void request() const;
    /// Readable after request().
    int descriptor() const { return event_.get(); }

private:
    Descriptor event_;
};

/// `command`: the path of the program and its arguments; not empty. The path is not searched for in PATH.
ProgramResult run_program(const std::vector<std::string>& command, const ProgramLimits& limits,
                          const ProgramStop& stop);

}  // namespace ledge::os
