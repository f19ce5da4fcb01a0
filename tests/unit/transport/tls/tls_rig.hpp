// TlsRig: a Rig with a TLS listener, certificates made for the run, and clients in the other role of the same session.
#pragma once

#include <memory>
#include <string>

#include "../rig.hpp"
#include "ledge/transport/tls.hpp"
#include "tls/tls_context.hpp"
#include "tls/tls_session.hpp"

namespace ledge::transport {

/// A folder with NAME.pem and NAME.key of an authority "ca" and of those it has signed: "server" (localhost), "other"
/// (*.many.example) and "client" (common name meter-7, alternative name meter-7.example). Made once by openssl.
const std::string& pki_folder();
TlsCertificate pki_certificate(const std::string& name);
/// A file of its own with this content.
std::string write_file(const std::string& name, std::string_view content);

TlsOptions server_options();
TlsClientOptions client_options();

class TlsClient {
public:
    TlsClient(Rig& rig, std::uint16_t port, const TlsClientOptions& options = client_options(),
              const std::string& server_name = "localhost");

    /// Turns until the handshake has ended; true: well.
    bool shakes_hands();
    /// As far as it goes without turning the broker.
    TlsSession::Status step();
    /// Sends all of it.
    void send(std::string_view text);
    /// What has come so far, after turns until `size` bytes are there or the end.
    std::string& reads(std::size_t size);

    Rig& rig;
    std::unique_ptr<TlsSession> session;
    std::string received;
    bool is_ended = false;
};

class TlsRig : public Rig {
public:
    /// A worker, so that handshakes go the way they go in the broker.
    TlsRig();
    ~TlsRig();

    /// The port of a listener with these options; fails the test when they are refused.
    std::uint16_t listen_tls(const TlsOptions& options = server_options());
    bool has_logged(std::string_view part) const;

    std::unique_ptr<WorkerPool> workers;
};

}  // namespace ledge::transport
