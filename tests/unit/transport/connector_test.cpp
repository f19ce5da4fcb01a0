// Connections that we open, to listeners of the rig.
#include "ledge/net/connector.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <boost/asio/io_context.hpp>
#include <optional>

#include "tls/tls_rig.hpp"

using namespace ledge;
using namespace ledge::transport;

namespace {

struct Opening {
    Opening() { connector->use_workers(*rig.workers); }

    std::shared_ptr<const net::TlsContext> tls() {
        auto made = net::make_tls_client(client_options());
        REQUIRE(made.ok());
        return std::move(*made);
    }
    net::Connector::Ticket begin(const net::Destination& to, Duration timeout = 10s) {
        outcome.reset();
        return connector->connect(to, timeout, [this](net::Connector::Outcome got) { outcome = std::move(got); });
    }
    /// Turns the rig's loop and Asio's.
    bool turn() {
        io.restart();
        io.poll();
        return outcome.has_value();
    }
    const net::Connector::Outcome& connect(const net::Destination& to, Duration timeout = 10s) {
        begin(to, timeout);
        CHECK_FALSE(outcome);  // never from the call
        REQUIRE(rig.until([this] { return turn(); }));
        CHECK(connector->under_way() == 0);
        return *outcome;
    }

    boost::asio::io_context io{1};
    TlsRig rig;
    std::optional<net::Connector> connector{std::in_place, io};
    std::optional<net::Connector::Outcome> outcome;
};

net::TlsOptions served_by(const std::string& name) {
    net::TlsOptions options = server_options();
    options.certificates = {pki_certificate(name)};
    return options;
}

}  // namespace

TEST_CASE("a plain connection, and one in TLS by name and by address") {
    Opening o;
    const std::uint16_t plain = o.rig.listen_tcp();
    const std::uint16_t secured = o.rig.listen_tls();
    const auto tls = o.tls();
    const net::Destination places[] = {
        {"localhost", plain, nullptr}, {"localhost", secured, tls}, {"127.0.0.1", secured, tls}};
    for (const net::Destination& to : places) {
        INFO(to.host);
        const auto& got = o.connect(to);
        INFO(got.error);
        REQUIRE(got.stream != nullptr);
        CHECK(got.stream->is_secured() == (to.tls != nullptr));
        CHECK(got.stream->write(as_bytes("hello")).bytes == 5);
        std::array<Byte, 16> into{};
        CHECK(got.stream->read(into).status == net::ClientStream::Status::want_read);
    }
}

TEST_CASE("a certificate for another name or address is none, whoever has signed it") {
    Opening o;
    const std::uint16_t port = o.rig.listen_tls(served_by("other"));
    const auto& named = o.connect({"localhost", port, o.tls()});
    CHECK(named.stream == nullptr);
    CHECK(named.error.find("does not match") != std::string::npos);
    const auto& addressed = o.connect({"127.0.0.1", port, o.tls()});
    CHECK(addressed.stream == nullptr);
    CHECK(addressed.error.find("for another address") != std::string::npos);
}

TEST_CASE("addresses are tried in turn; the last one says why there is none") {
    Opening o;
    Client held;  // a port that is taken and where nobody listens
    sockaddr_in place{};
    place.sin_family = AF_INET;
    socklen_t size = sizeof place;
    REQUIRE(::bind(held.descriptor, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0);
    REQUIRE(::getsockname(held.descriptor, reinterpret_cast<sockaddr*>(&place), &size) == 0);
    const std::string port = std::to_string(ntohs(place.sin_port));
    const auto& got = o.connect({"localhost", ntohs(place.sin_port), nullptr});
    CHECK(got.stream == nullptr);
    CHECK(got.error.starts_with("[::1]:" + port + ": "));
    const auto& one = o.connect({"127.0.0.1", ntohs(place.sin_port), nullptr});
    CHECK(one.error == "127.0.0.1:" + port + ": Connection refused");
}

TEST_CASE("who shakes no hands is left when the time is up") {
    Opening o;
    const std::uint16_t silent = o.rig.listen_tcp();  // MQTT's: it waits for a CONNECT
    const auto& got = o.connect({"127.0.0.1", silent, o.tls()}, 50ms);
    CHECK(got.stream == nullptr);
    CHECK(got.error == "the TLS handshake was not complete in time");
}

TEST_CASE("what is given up calls nobody and leaves no descriptor behind") {
    Opening o;
    const std::uint16_t secured = o.rig.listen_tls();
    o.connect({"127.0.0.1", secured, o.tls()});  // what the loops open, they have opened
    o.outcome.reset();
    o.rig.until([&] { return o.rig.driver.link_count() == 0; });
    const std::size_t before = open_descriptors();
    o.connector->give_up(o.begin({"127.0.0.1", secured, o.tls()}));
    o.begin({"127.0.0.1", secured, o.tls()});
    o.turn();
    o.connector.reset();
    CHECK(o.rig.until([&] {
        o.turn();
        return open_descriptors() <= before && o.rig.driver.link_count() == 0;
    }));
    CHECK_FALSE(o.outcome);
}
