#include "ledge/os/given_sockets.hpp"

#include <fcntl.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace ledge::os {

namespace {

int type_of(const GivenSocket& given) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(given.socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? type : 0;
}

}  // namespace

std::optional<GivenSocket> GivenSockets::take(int type, const SocketAddress& address) {
    const auto found = std::ranges::find_if(sockets_, [&](const GivenSocket& given) {
        return type_of(given) == type && own_address(given.socket.get()) == address;
    });
    if (found == sockets_.end()) return std::nullopt;
    GivenSocket taken = std::move(*found);
    sockets_.erase(found);
    return taken;
}

std::vector<GivenSocket> GivenSockets::take_named(int type, std::string_view name) {
    const auto others = std::stable_partition(sockets_.begin(), sockets_.end(), [&](const GivenSocket& given) {
        return name.empty() || given.name != name || type_of(given) != type;
    });
    std::vector<GivenSocket> taken(std::make_move_iterator(others), std::make_move_iterator(sockets_.end()));
    sockets_.erase(others, sockets_.end());
    return taken;
}

std::vector<std::string> GivenSockets::left() const {
    std::vector<std::string> texts;
    for (const GivenSocket& given : sockets_) {
        const SocketAddress address = own_address(given.socket.get());
        const std::string path = address.path();
        texts.push_back((path.empty() ? to_text(address) : "unix:" + path) + " (name " + given.name + ")");
    }
    return texts;
}

Descriptor duplicate(int socket) { return Descriptor(::fcntl(socket, F_DUPFD_CLOEXEC, 0)); }

}  // namespace ledge::os
