// ledgemq passwd: edits the password file. A password is never on the command line: it is asked for at the terminal, or
// read from the first line of standard input.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/config/command_line.hpp"

namespace ledge::daemon {

/// Exit status 0: done, or the password is right. 1: the password is wrong, or the file cannot be read or written. 2:
/// the user name is not valid, or the file has mistakes.
int use_passwd(const config::Command::Passwd& request);

/// Turns the text of a file into its new text. With an error the file stays as it is.
using Edit = std::function<Result<std::string, Error>(std::string_view)>;

/// Edits a file that other processes may edit at the same time: they wait for each other, and no edit is lost. The new
/// text is written to a file beside it, which is synced and renamed. A new file gets mode 0600. An existing file
/// keeps its mode and its owner; if that is not possible, it is not changed. A symbolic link stays, and its target is
/// edited.
Result<bool, Error> edit_file(const std::string& path, const Edit& edit);

}  // namespace ledge::daemon
