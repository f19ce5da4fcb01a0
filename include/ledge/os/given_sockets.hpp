// GivenSockets: sockets that another process has opened for this one: the service manager (systemd's socket
// activation), or the broker that ran before an upgrade. A listener takes the sockets that fit it, and binds only the
// addresses for which there is none. The daemon owns the object; on the loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::os {

struct GivenSocket {
    std::string name;          // the name of the listener, or the one that the service manager gives; may be empty
    Descriptor socket;         // bound; a stream socket listens already
    bool is_file_ours = true;  // of a Unix socket: the broker has made the file, and removes it at its end
};

class GivenSockets {
public:
    enum class From : std::uint8_t {
        service_manager,  // a socket may be meant by its name, whatever its address is
        former_broker,    // a socket is meant by its address, since the configuration may have changed
    };

    explicit GivenSockets(From from = From::former_broker) : from_(from) {}

    From from() const { return from_; }
    void add(GivenSocket socket) { sockets_.push_back(std::move(socket)); }

    /// Returns the socket of this type (SOCK_STREAM, SOCK_DGRAM) that is bound to `address`, and forgets it.
    std::optional<GivenSocket> take(int type, const SocketAddress& address);
    /// Returns all sockets of this type and name, and forgets them. An empty name fits no socket.
    std::vector<GivenSocket> take_named(int type, std::string_view name);
    /// The sockets that nobody has taken, as text: "127.0.0.1:1883 (name mqtt)".
    std::vector<std::string> left() const;
    /// Closes the sockets that nobody has taken.
    void clear() { sockets_.clear(); }

private:
    From from_;
    std::vector<GivenSocket> sockets_;
};

/// A second descriptor for the same socket, which another process may get. The descriptor is empty if the system has
/// none left.
Descriptor duplicate(int socket);

}  // namespace ledge::os
