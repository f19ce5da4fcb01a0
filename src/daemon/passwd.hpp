// ledgemq passwd: the password file, edited. A password is never on the command line: it is asked for at the terminal,
// or the first line of standard input.
#pragma once

#include <string>

#include "ledge/base/result.hpp"
#include "ledge/config/command_line.hpp"

namespace ledge::daemon {

/// Exit status 0: done, or the password is right; 1: it is wrong, or the file cannot be read or written; 2: the user
/// cannot be one, or the file has mistakes.
int use_passwd(const config::Command::Passwd& wish);

/// Replaces the file's content at once: written beside it, synced, renamed. A new file gets mode 0600; an old one keeps
/// its mode and, where possible, its owner. The error is a sentence.
Result<bool, std::string> replace_file(const std::string& path, std::string_view text);

}  // namespace ledge::daemon
