// TlsRig: a Rig with a TLS listener, and clients in the other role of the same session.
#pragma once

#include <memory>
#include <string>

#include "../../net/tls/pki.hpp"
#include "../rig.hpp"
#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/transport/tls.hpp"

namespace ledge::transport {

using net::client_options;
using net::pki_certificate;
using net::pki_folder;
using net::server_options;
using net::write_file;

class TlsClient {
public:
    TlsClient(Rig& rig, std::uint16_t port, const net::TlsClientOptions& options = client_options(),
              const std::string& server_name = "localhost");

    /// Turns until the handshake has ended; true: well.
    bool shakes_hands();
    /// As far as it goes without turning the broker.
    net::TlsSession::Status step();
    /// Sends all of it.
    void send(std::string_view text);
    /// What has come so far, after turns until `size` bytes are there or the end.
    std::string& reads(std::size_t size);

    Rig& rig;
    std::unique_ptr<net::TlsSession> session;
    std::string received;
    bool is_ended = false;
};

class TlsRig : public Rig {
public:
    /// A worker, so that handshakes go the way they go in the broker.
    TlsRig();
    ~TlsRig();

    /// The port of a listener with these options; fails the test when they are refused.
    std::uint16_t listen_tls(const net::TlsOptions& options = server_options());
    bool has_logged(std::string_view part) const;

    std::unique_ptr<os::WorkerPool> workers;
};

}  // namespace ledge::transport
