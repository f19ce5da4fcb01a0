// LogFile: the file of log.file. Each line goes to the file that has the name at that moment, so a rotation of the file
// needs no signal: the file may be renamed (logrotate's `create`) or cut (`copytruncate`).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {

/// Owned by LogOutput. Writes to the file wait for the disk, as every write to a regular file does, but for no reader.
class LogFile {
public:
    /// Stores the name only. An empty name stands for no file.
    explicit LogFile(std::string path = {}) : path_(std::move(path)) {}

    /// Opens the file for appending; creates the file with mode 0640. Refuses a symbolic link in the last part of the
    /// path, and everything that is no regular file. On failure the former file, if there is one, stays open.
    Result<bool, Error> open();

    /// As open(), but take_problem() has the reason of a failure.
    void reopen();

    /// Writes a line, which ends with '\n', whole or not at all as far as the disk allows. False: the line is lost, and
    /// errno says why. If a line was written in part, the next one begins on a line of its own.
    bool write(std::string_view line);

    /// The reason why the file under the name could not be opened, so that lines go on into the former file. Returns
    /// each new reason once, otherwise "".
    std::string take_problem();

    const std::string& path() const { return path_; }

private:
    /// Opens the file again if the name stands for another file than before, or for none.
    void follow_name();

    std::string path_;
    os::Descriptor file_;
    dev_t device_ = 0;  // with inode_: the file that file_ has open
    ino_t inode_ = 0;
    bool is_torn_ = false;  // the end of the file is a part of a line
    std::string problem_;   // of the last attempt to open the file; "" = none
    bool is_problem_new_ = false;
};

}  // namespace ledge::daemon
