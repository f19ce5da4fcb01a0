// The plain front: MQTT directly on an accepted TCP or Unix socket. On the shard's thread.
#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/transport/front.hpp"
#include "peer_user.hpp"
#include "socket_link.hpp"

namespace ledge::transport {
namespace {

class PlainFront final : public Front {
public:
    PlainFront(std::uint16_t index, PeerNames names, Driver& driver, const Log& log)
        : index_(index), names_(names), driver_(driver), log_(log) {}

    void accept(os::Descriptor socket, const os::SocketAddress& address) override {
        const std::string text = to_text(address);
        const std::string user = names_ == PeerNames::by_kernel ? user_of_peer(socket.get()) : std::string();
        if (names_ == PeerNames::by_kernel && user.empty()) {
            log_.warning("connection_dropped",
                         {{"address", text}, {"reason", "the kernel does not tell the peer's user"}});
            return;
        }
        std::unique_ptr<SocketLink> link = SocketLink::create(std::move(socket), driver_);
        if (link == nullptr) {
            log_.warning("connection_dropped", {{"address", text}, {"reason", std::strerror(errno)}});
            return;
        }
        driver_.adopt(std::move(link), broker::Peer{index_, text, user});  // if the shard refuses, it logs the reason
    }

private:
    std::uint16_t index_;
    PeerNames names_;
    Driver& driver_;
    const Log& log_;
};

}  // namespace

std::unique_ptr<Front> make_plain_front(std::uint16_t index, Driver& driver, const Log& log, PeerNames names) {
    return std::make_unique<PlainFront>(index, names, driver, log);
}

}  // namespace ledge::transport
