// The gate of a listener: its limits, its clock, its workers and its files.
#include "tls/tls_gate.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tls_rig.hpp"

using namespace ledge;
using namespace ledge::transport;

namespace {

constexpr std::string_view begun_record = "\x16\x03\x01\x02";

/// Certificates of a listener that are going to change.
net::TlsOptions changing_options(const std::string& name) {
    const net::TlsCertificate from = pki_certificate(name);
    net::TlsOptions options;
    options.certificates = {pki_certificate("changing")};
    std::filesystem::copy_file(from.certificate_file, options.certificates[0].certificate_file,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(from.key_file, options.certificates[0].key_file,
                               std::filesystem::copy_options::overwrite_existing);
    return options;
}

bool greets(TlsRig& rig, std::uint16_t port, const std::string& name) {
    return TlsClient(rig, port, client_options(), name).shakes_hands();
}

}  // namespace

TEST_CASE("a peer becomes a connection when TLS is agreed on, with its proven name") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.ca_file = pki_folder() + "/ca.pem";
    options.client_certificate = net::TlsOptions::ClientCertificate::required;
    options.user_name_from = net::TlsOptions::UserName::common_name;
    const std::uint16_t port = rig.listen_tls(options);
    net::TlsClientOptions own = client_options();
    own.certificate = pki_certificate("client");
    TlsClient client(rig, port, own);
    CHECK(rig.core.open.empty());
    REQUIRE(client.shakes_hands());
    REQUIRE(rig.until([&] { return rig.core.open.size() == 1; }));
    CHECK(rig.core.users[0] == "meter-7");
    CHECK(rig.core.addresses[0].starts_with("127.0.0.1:"));
    CHECK(rig.has_logged("info tls_agreed"));
}

TEST_CASE("silence and a begun handshake are ended in time, and the core never hears of them") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.handshake_time_max = 5s;
    const std::uint16_t port = rig.listen_tls(options);
    Client silent = Client::to_port(port);
    Client slow = Client::to_port(port);
    slow.send(begun_record);
    rig.turn(10);
    rig.turn(10);
    rig.advance(4s);
    rig.turn(0);
    CHECK((silent.read() + slow.read() == 0));
    CHECK_FALSE(silent.is_ended);
    rig.advance(2s);
    CHECK(rig.until([&] {
        silent.read();
        slow.read();
        return (silent.is_ended || silent.is_reset) && (slow.is_ended || slow.is_reset);
    }));
    CHECK(rig.has_logged("the peer began no handshake in time"));
    CHECK(rig.has_logged("the handshake took too long"));
    CHECK(rig.core.addresses.empty());
}

TEST_CASE("more handshakes than allowed wait for their turn; more than may wait are closed") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.handshakes_max = 1;
    options.handshakes_queued_max = 1;
    const std::uint16_t port = rig.listen_tls(options);
    Client first = Client::to_port(port);
    first.send(begun_record);
    rig.turn(10);
    rig.turn(10);
    TlsClient second(rig, port);
    second.step();
    for (int i = 0; i < 3; ++i) rig.turn(10);
    CHECK(second.step() == net::TlsSession::Status::want_read);  // nobody answers yet
    Client third = Client::to_port(port);
    CHECK(rig.until([&] {
        third.read();
        return third.is_ended || third.is_reset;
    }));
    CHECK(rig.has_logged("too many handshakes wait"));
    first.reset();
    CHECK(second.shakes_hands());
}

bool is_over(Client& client) {
    client.read();
    return client.is_ended || client.is_reset;
}

TEST_CASE("silent peers of one address keep nobody out: the one that has waited longest gives way") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.handshakes_max = 1;
    options.handshakes_queued_max = 3;
    const std::uint16_t port = rig.listen_tls(options);
    std::vector<Client> silent;
    for (int i = 0; i < 4; ++i) silent.push_back(Client::to_port_from(66, port));
    for (int i = 0; i < 3; ++i) rig.turn(10);
    TlsClient client(rig, port);
    CHECK(client.shakes_hands());
    CHECK(rig.until([&] { return is_over(silent[0]); }));
    CHECK_FALSE(is_over(silent[3]));
    CHECK(rig.has_logged("too many handshakes wait"));
}

TEST_CASE("when everybody speaks, the address with most handshakes makes room for one with fewer") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.handshakes_max = 1;
    options.handshakes_queued_max = 2;
    const std::uint16_t port = rig.listen_tls(options);
    std::vector<Client> many;
    for (int i = 0; i < 3; ++i) {
        many.push_back(Client::to_port_from(66, port));
        many.back().send(begun_record);
        for (int k = 0; k < 2; ++k) rig.turn(10);
    }
    TlsClient client(rig, port);
    client.step();
    CHECK(rig.until([&] { return is_over(many[2]); }));
    CHECK_FALSE(is_over(many[1]));
    for (Client& one : many) one.reset();
    CHECK(client.shakes_hands());
}

TEST_CASE("a handshake that stands still ends when others have waited for its place") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.handshakes_max = 1;
    const std::uint16_t port = rig.listen_tls(options);
    Client stalled = Client::to_port_from(66, port);
    stalled.send(begun_record);
    for (int i = 0; i < 2; ++i) rig.turn(10);
    rig.advance(9s);  // nobody waits: it may take its time
    rig.turn(0);
    CHECK_FALSE(is_over(stalled));
    TlsClient client(rig, port);
    CHECK(client.shakes_hands());
    CHECK(rig.has_logged("did not continue its handshake while others waited"));
}

TEST_CASE("a listener that ends while a worker computes leaves nothing behind") {
    const std::size_t before = open_descriptors();
    {
        TlsRig rig;
        const std::uint16_t port = rig.listen_tls();
        std::vector<std::unique_ptr<TlsClient>> clients;
        for (int i = 0; i < 8; ++i) {
            clients.push_back(std::make_unique<TlsClient>(rig, port));
            clients.back()->step();
        }
        for (int i = 0; i < 3; ++i) rig.turn(5);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("a peer that is gone while a worker computes is forgotten") {
    TlsRig rig;
    net::TlsOptions options = server_options();
    options.handshake_time_max = 1s;
    const std::uint16_t port = rig.listen_tls(options);
    TlsClient client(rig, port);
    client.step();
    REQUIRE(rig.until([&] {
        rig.advance(600ms);  // with the hello arriving at some point, on whatever side of the deadline
        return rig.has_logged("tls_refused");
    }));
    for (int i = 0; i < 20; ++i) rig.turn(5);
    CHECK(greets(rig, port, "localhost"));
}

TEST_CASE("bytes that are no TLS end the connection") {
    TlsRig rig;
    const std::uint16_t port = rig.listen_tls();
    for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(5000, '\xff'),
                                       std::string("\x10\x0e\0\4MQTT\4\2\0\0\0\2id", 16)}) {
        Client client = Client::to_port(port);
        client.send(garbage);
        CHECK(rig.until([&] {
            client.read();
            return client.is_ended || client.is_reset;
        }));
    }
    CHECK(rig.core.addresses.empty());
    CHECK(greets(rig, port, "localhost"));
}

TEST_CASE("changed files come into service when they are right; a wrong one keeps the old one there") {
    TlsRig rig;
    const net::TlsOptions options = changing_options("server");
    const std::uint16_t port = rig.listen_tls(options);
    TlsClient early(rig, port);
    REQUIRE(early.shakes_hands());
    REQUIRE(rig.until([&] { return rig.driver.link_count() == 1; }));  // in TLS 1.3 the client is done first
    const auto look_twice = [&rig] {
        rig.advance(os::FileWatch::look_interval);
        rig.advance(os::FileWatch::settle_interval);
    };

    std::filesystem::copy_file(pki_certificate("other").certificate_file, options.certificates[0].certificate_file,
                               std::filesystem::copy_options::overwrite_existing);
    look_twice();
    REQUIRE(rig.until([&] { return rig.has_logged("error tls_reload_failed"); }));
    CHECK(greets(rig, port, "localhost"));

    changing_options("other");
    look_twice();
    REQUIRE(rig.until([&] { return rig.has_logged("info tls_reloaded"); }));
    CHECK(greets(rig, port, "a.many.example"));
    CHECK_FALSE(greets(rig, port, "localhost"));

    early.send("still here");
    std::string got;
    rig.core.on_bytes = [&got](session::Connection&, Bytes bytes) { got += as_text(bytes); };
    early.send(", with the old one");
    CHECK(rig.until([&] { return got.ends_with("old one"); }));
}

TEST_CASE("a wish to reload is followed at once") {
    TlsRig rig;
    changing_options("server");
    const std::uint16_t port = rig.listen_tls(changing_options("server"));
    changing_options("other");
    rig.fronts[0]->reload();
    REQUIRE(rig.until([&] { return rig.has_logged("info tls_reloaded"); }));
    CHECK(greets(rig, port, "a.many.example"));
}

TEST_CASE("with nobody there only the files are looked at") {
    TlsRig rig;
    rig.listen_tls();
    CHECK(rig.fronts[0]->next_deadline() > rig.driver.now());
    CHECK(rig.fronts[0]->next_deadline() <= rig.driver.now() + os::FileWatch::look_interval);
}
