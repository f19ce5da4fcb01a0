// The user of the process at the other end of a Unix socket. The kernel knows the number; the name comes from
// /etc/passwd.
#include "peer_user.hpp"

#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

namespace ledge::transport {

std::string user_of_peer(int descriptor) {
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool is_known =
        ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid != static_cast<uid_t>(-1);
    return is_known ? user_name(peer.uid) : std::string();
}

std::string user_name(uid_t uid, const char* passwd_file) {
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    // Not getpwuid(3), which may ask a name service over the network and block the loop.
    const std::unique_ptr<std::FILE, Close> file(std::fopen(passwd_file, "re"));
    std::array<char, 4096> text{};  // the text of one entry; a longer entry ends the search
    passwd entry{};
    passwd* found = nullptr;
    while (file && ::fgetpwent_r(file.get(), &entry, text.data(), text.size(), &found) == 0) {
        if (entry.pw_uid != uid) continue;
        const std::string_view name = entry.pw_name;
        const bool is_visible = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c != 127; });
        if (!name.empty() && is_visible) return std::string(name);
    }
    // No user name of the system has a colon, so this text cannot be mistaken for another user.
    return "uid:" + std::to_string(uid);
}

}  // namespace ledge::transport
