// Whose process is at the other end of a Unix socket.
#pragma once

#include <sys/types.h>

#include <string>

namespace ledge::transport {

/// The name that the user had when it connected, as user_name() gives it; "": the kernel does not know.
std::string user_of_peer(int descriptor);

/// The name in /etc/passwd, "uid:NUMBER" if it has none there or one with control characters. Other directories of
/// users are not asked: they may be slow, and the loop waits.
std::string user_name(uid_t uid, const char* passwd_file = "/etc/passwd");

}  // namespace ledge::transport
