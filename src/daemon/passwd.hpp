// ledgemq passwd: the password file, edited. A password is never on the command line: it is asked for at the terminal,
// or the first line of standard input.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/config/command_line.hpp"

namespace ledge::daemon {

/// Exit status 0: done, or the password is right; 1: it is wrong, or the file cannot be read or written; 2: the user
/// cannot be one, or the file has mistakes.
int use_passwd(const config::Command::Passwd& wish);

/// From the text of a file to its new text; the error is a sentence, and nothing is changed.
using Edit = std::function<Result<std::string, std::string>(std::string_view)>;

/// Edits a file that others may edit at the same time: one waits for the other, and no edit is lost. The new text is
/// written beside the file, synced, renamed. A new file gets mode 0600; an old one keeps its mode and its owner, or is
/// left alone. A symbolic link stays, and the file behind it is edited. The error is a sentence.
Result<bool, std::string> edit_file(const std::string& path, const Edit& edit);

}  // namespace ledge::daemon
