#include "tls_rig.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ledge/net/tls_secrets.hpp"

namespace ledge::transport {

namespace {

constexpr int waits_max = 1000;

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

TlsClient::TlsClient(Rig& of, std::uint16_t port, const net::TlsClientOptions& options, const std::string& server_name)
    : rig(of) {
    auto context = net::TlsContext::create(options, net::TlsSecrets::create());
    REQUIRE_MESSAGE(context.ok(), (context.ok() ? "" : text_of(context.error().reason)));
    Client socket = Client::to_port(port);
    session = net::TlsSession::create(*context, os::Descriptor(std::exchange(socket.descriptor, -1)), server_name);
    REQUIRE((session != nullptr));
}

net::TlsSession::Status TlsClient::step() { return session->handshake(net::TlsSession::Extent::all); }

bool TlsClient::shakes_hands() {
    for (int i = 0; i < waits_max; ++i) {
        const net::TlsSession::Status status = step();
        if (status == net::TlsSession::Status::done) return true;
        if (status == net::TlsSession::Status::failed || status == net::TlsSession::Status::ended) return false;
        rig.turn(1);
    }
    return false;
}

void TlsClient::send(std::string_view text) {
    for (int i = 0; i < waits_max && !text.empty(); ++i) {
        const std::array<Bytes, 1> parts{as_bytes(text)};
        const auto sent = session->write(parts);
        if (sent.status == net::TlsSession::Status::done) text.remove_prefix(sent.bytes);
        rig.turn();
    }
    REQUIRE(text.empty());
}

std::string& TlsClient::reads(std::size_t size) {
    std::array<Byte, 4096> buffer;
    for (int waits = 0; waits < waits_max && received.size() < size && !is_ended;) {
        const auto got = session->read(buffer);
        if (got.status == net::TlsSession::Status::done) {
            received += as_text(Bytes(buffer).first(got.bytes));
        } else if (got.status == net::TlsSession::Status::want_read) {
            rig.turn(1);
            ++waits;
        } else {
            is_ended = true;
        }
    }
    return received;
}

// ---------------------------------------------------------------------------------------------------------------------

TlsRig::TlsRig() : workers(std::move(*os::WorkerPool::create(posted.post(), {}))) {}

/// The workers outlive whoever gives them work.
TlsRig::~TlsRig() {
    listeners.clear();
    fronts.clear();
}

std::uint16_t TlsRig::listen_tls(const net::TlsOptions& options) {
    const auto index = static_cast<std::uint16_t>(listeners.size());
    auto front = make_tls_front(index, "secure", options, driver, *workers, log);
    REQUIRE_MESSAGE(front.ok(), (front.ok() ? "" : text_of(front.error().reason)));
    return listen_tcp(std::move(*front));
}

bool TlsRig::has_logged(std::string_view part) const {
    return std::any_of(log_lines.begin(), log_lines.end(),
                       [part](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace ledge::transport
