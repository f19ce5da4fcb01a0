// ProgramStart: how this process was started, for the next process of an upgrade. Read once, at the start.
#pragma once

#include <string>
#include <vector>

namespace ledge::daemon {

/// The program as it was started.
struct ProgramStart {
    std::string path;                    // of the file that the next upgrade starts
    std::vector<std::string> arguments;  // argv, with the name of the program first
};

/// Requires argc >= 1. The path is that of argv[0] if it has one, so that a link that names the newest version is
/// followed anew by each upgrade; otherwise it is the path that the system tells.
ProgramStart program_start(int argc, char** argv);

}  // namespace ledge::daemon
