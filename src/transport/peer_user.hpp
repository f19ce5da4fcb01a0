// The user whose process is at the other end of a Unix socket. Any thread.
#pragma once

#include <sys/types.h>

#include <string>

namespace ledge::transport {

/// The name of the user who ran the peer's process when it connected, as user_name() gives it; "" when the kernel does
/// not tell.
std::string user_of_peer(int descriptor);

/// The user's name in /etc/passwd; "uid:NUMBER" if the user is not in that file or has a name with control characters.
/// Other user directories (LDAP and the like) are not asked: they may be slow, and the caller is the loop.
std::string user_name(uid_t uid, const char* passwd_file = "/etc/passwd");

}  // namespace ledge::transport
