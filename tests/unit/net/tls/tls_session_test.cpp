// Two sessions on a socket pair: what TLS itself does, without a listener.
#include "ledge/net/tls_session.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>

#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/os/descriptor.hpp"
#include "pki.hpp"

using namespace ledge;
using namespace ledge::net;
using Status = TlsSession::Status;
using Extent = TlsSession::Extent;

namespace {

struct Pair {
    explicit Pair(const TlsOptions& options = server_options(), const TlsClientOptions& peer = client_options(),
                  const std::string& name = "localhost") {
        auto secrets = TlsSecrets::create();
        REQUIRE(secrets->use_tickets(1h));
        auto mine = TlsContext::create(options, secrets);
        REQUIRE_MESSAGE(mine.ok(), (mine.ok() ? "" : text_of(mine.error().reason)));
        auto theirs = TlsContext::create(peer, TlsSecrets::create());
        REQUIRE_MESSAGE(theirs.ok(), (theirs.ok() ? "" : text_of(theirs.error().reason)));
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        server = TlsSession::create(*mine, ledge::os::Descriptor(ends[0]));
        client = TlsSession::create(*theirs, ledge::os::Descriptor(ends[1]), name);
    }

    /// The server's last status is kept; true: both agree.
    bool shake() {
        for (int i = 0; i < 50; ++i) {
            last_client = client->handshake(Extent::all);
            last_server = server->handshake(Extent::all);
            if (last_server == Status::failed || last_client == Status::failed) return false;
            if (server->is_secured() && client->is_secured()) return true;
        }
        return false;
    }

    std::unique_ptr<TlsSession> server;
    std::unique_ptr<TlsSession> client;
    Status last_server = Status::done;
    Status last_client = Status::done;
};

TlsSession::Transfer write(TlsSession& session, std::string_view text) {
    const std::array<Bytes, 1> parts{as_bytes(text)};
    return session.write(parts);
}

std::string read(TlsSession& session) {
    std::array<Byte, 100'000> buffer;
    std::string all;
    while (true) {
        const auto got = session.read(buffer);
        if (got.status != Status::done) return all;
        all += as_text(Bytes(buffer).first(got.bytes));
    }
}

/// TLS 1.3 takes a byte for itself.
bool is_full_record(std::size_t bytes) {
    return bytes == TlsSession::record_bytes_max || bytes == TlsSession::record_bytes_max - 1;
}

TlsOptions with_client_certificates(TlsOptions::ClientCertificate wish) {
    TlsOptions options = server_options();
    options.ca_file = pki_folder() + "/ca.pem";
    options.client_certificate = wish;
    options.user_name_from = TlsOptions::UserName::common_name;
    return options;
}

TlsClientOptions showing(const std::string& certificate) {
    TlsClientOptions options = client_options();
    options.certificate = pki_certificate(certificate);
    return options;
}

TlsClientOptions knowing(const std::string& identity, const std::string& hex) {
    TlsClientOptions options;
    options.psk_file = write_file("psk-of-client", identity + ":" + hex + "\n");
    return options;
}

}  // namespace

TEST_CASE("a handshake, and bytes in both directions") {
    Pair pair;
    REQUIRE(pair.shake());
    CHECK(std::string_view(pair.server->version()).starts_with("TLSv1."));
    CHECK(write(*pair.client, "hello").bytes == 5);
    CHECK(read(*pair.server) == "hello");
    CHECK(write(*pair.server, "there").bytes == 5);
    CHECK(read(*pair.client) == "there");
    CHECK(pair.server->user_name().empty());
    CHECK(pair.server->alpn().empty());
}

TEST_CASE("the cheap part of a full handshake ends before public keys are computed with") {
    Pair pair;
    REQUIRE(pair.client->handshake(Extent::all) == Status::want_read);
    CHECK(pair.server->handshake(Extent::cheap) == Status::done);
    CHECK_FALSE(pair.server->is_secured());
    CHECK(pair.server->handshake(Extent::cheap) == Status::done);  // it stays there
    CHECK(pair.shake());
    CHECK_FALSE(pair.server->is_resumed());
}

TEST_CASE("parts leave together in one record, of at most 16 KiB") {
    Pair pair;
    REQUIRE(pair.shake());
    const std::string large(20'000, 'l');
    const std::array<Bytes, 3> small{as_bytes("one "), as_bytes("two "), as_bytes("three")};
    CHECK(pair.server->write(small).bytes == 13);
    CHECK(read(*pair.client) == "one two three");
    const std::array<Bytes, 2> more{as_bytes("head "), as_bytes(large)};
    const std::size_t first = pair.server->write(more).bytes;
    CHECK(is_full_record(first));
    CHECK((read(*pair.client) == ("head " + large).substr(0, first)));
    CHECK(is_full_record(write(*pair.server, large).bytes));
    CHECK(pair.server->write({}).bytes == 0);
}

TEST_CASE("a record that the socket does not take is finished later, whatever the place of its bytes") {
    Pair pair;
    REQUIRE(pair.shake());
    const std::string text(TlsSession::record_bytes_max, 'x');
    std::size_t sent = 0;
    TlsSession::Transfer last;
    while ((last = write(*pair.server, text)).status == Status::done) sent += last.bytes;
    CHECK(last.status == Status::want_write);
    std::string got = read(*pair.client);
    const std::string moved = text + "and more";
    last = write(*pair.server, moved);
    CHECK(last.status == Status::done);
    CHECK(is_full_record(last.bytes));
    got += read(*pair.client);
    CHECK((got == std::string(sent + last.bytes, 'x')));
}

TEST_CASE("input that was read already is taken from there, records cut anywhere") {
    Pair pair;
    REQUIRE(pair.shake());
    for (const char* text : {"first", "second", "third"}) write(*pair.client, text);
    std::array<Byte, 4096> encrypted;
    const ssize_t size = ::recv(pair.server->descriptor(), encrypted.data(), encrypted.size(), 0);
    REQUIRE(size > 0);
    std::string all;
    for (ssize_t i = 0; i < size; ++i) {
        pair.server->feed(Bytes(encrypted).subspan(static_cast<std::size_t>(i), 1));
        all += read(*pair.server);
    }
    CHECK(all == "firstsecondthird");
}

TEST_CASE("close_notify and FIN are the peer's end; after it nothing can be written for long") {
    Pair pair;
    REQUIRE(pair.shake());
    write(*pair.client, "last words");
    pair.client->finish();
    CHECK(read(*pair.server) == "last words");
    std::array<Byte, 10> buffer;
    CHECK(pair.server->read(buffer).status == Status::ended);
    Pair cut;
    REQUIRE(cut.shake());
    cut.client.reset();
    CHECK(cut.server->read(buffer).status == Status::ended);
    CHECK(write(*cut.server, "x").status == Status::failed);
    CHECK(write(*cut.server, "x").status == Status::failed);
}

TEST_CASE("a changed byte breaks the connection, and stays reported") {
    Pair pair;
    REQUIRE(pair.shake());
    write(*pair.client, "intact");
    std::array<Byte, 200> encrypted;
    const ssize_t size = ::recv(pair.server->descriptor(), encrypted.data(), encrypted.size(), 0);
    REQUIRE(size > 0);
    encrypted[static_cast<std::size_t>(size) - 1] ^= 1;
    pair.server->feed(Bytes(encrypted).first(static_cast<std::size_t>(size)));
    std::array<Byte, 100> buffer;
    CHECK(pair.server->read(buffer).status == Status::failed);
    CHECK(pair.server->failure_reason().find("MAC") != std::string::npos);
    CHECK(pair.server->read(buffer).status == Status::failed);
    CHECK(write(*pair.server, "x").status == Status::failed);
}

TEST_CASE("the buffers go back while nothing is under way, and the next record is the right one") {
    Pair pair;
    REQUIRE(pair.shake());
    for (int i = 0; i < 3; ++i) {
        CHECK(pair.server->rest());
        CHECK(pair.client->rest());
        CHECK(pair.server->rest());
        write(*pair.client, "there");
        CHECK(read(*pair.server) == "there");
        CHECK(pair.server->rest());
        write(*pair.server, "and back");
        CHECK(read(*pair.client) == "and back");
    }
    write(*pair.client, "half a record");
    std::array<Byte, 8> start;
    REQUIRE(::recv(pair.server->descriptor(), start.data(), start.size(), 0) == 8);
    pair.server->feed(start);
    std::array<Byte, 100> buffer;
    CHECK(pair.server->read(buffer).status == Status::want_read);
    CHECK_FALSE(pair.server->rest());
}

TEST_CASE("a server's certificate of another name or authority is refused by a client") {
    CHECK_FALSE(Pair(server_options(), client_options(), "another.example").shake());
    TlsClientOptions distrustful = client_options();
    distrustful.ca_file = pki_folder() + "/client.pem";
    Pair pair(server_options(), distrustful);
    CHECK_FALSE(pair.shake());
    CHECK(pair.client->failure_reason().find("not correctly signed") != std::string::npos);
}

TEST_CASE("SNI chooses the certificate") {
    TlsOptions options = server_options();
    options.certificates.push_back(pki_certificate("other"));
    CHECK(Pair(options, client_options(), "a.many.example").shake());
    CHECK(Pair(options, client_options(), "localhost").shake());
    CHECK_FALSE(Pair(options, client_options(), "a.b.many.example").shake());
}

TEST_CASE("client certificates: required, optional, and the name in them") {
    using Wish = TlsOptions::ClientCertificate;
    Pair with(with_client_certificates(Wish::required), showing("client"));
    REQUIRE(with.shake());
    CHECK(with.server->user_name() == "meter-7");
    CHECK(with.server->has_peer_certificate());
    TlsOptions by_alternative = with_client_certificates(Wish::required);
    by_alternative.user_name_from = TlsOptions::UserName::subject_alternative_name;
    Pair other(by_alternative, showing("client"));
    REQUIRE(other.shake());
    CHECK(other.server->user_name() == "meter-7.example");
    TlsOptions by_fingerprint = with_client_certificates(Wish::required);
    by_fingerprint.user_name_from = TlsOptions::UserName::fingerprint;
    Pair third(by_fingerprint, showing("client"));
    REQUIRE(third.shake());
    CHECK(third.server->user_name().size() == 64);
    CHECK(third.server->user_name().find_first_not_of("0123456789abcdef") == std::string::npos);
    Pair without(with_client_certificates(Wish::required));
    CHECK_FALSE(without.shake());
    Pair optional(with_client_certificates(Wish::optional));
    REQUIRE(optional.shake());
    CHECK(optional.server->user_name().empty());
    CHECK_FALSE(optional.server->has_peer_certificate());
    TlsOptions strangers = with_client_certificates(Wish::optional);
    strangers.ca_file = pki_folder() + "/other.pem";
    Pair stranger(strangers, showing("client"));
    stranger.shake();
    CHECK_FALSE(stranger.server->is_secured());
    CHECK_FALSE(stranger.server->has_peer_certificate());
    CHECK(stranger.server->failure_reason().find("not correctly signed") != std::string::npos);
}

TEST_CASE("pre-shared keys: right, wrong, of an unknown identity") {
    const std::string key(32, 'a');
    TlsOptions options;
    options.psk_file = write_file("psk", "meter:" + key + "\n");
    Pair right(options, knowing("meter", key));
    REQUIRE(right.shake());
    CHECK(right.server->user_name() == "meter");
    CHECK_FALSE(Pair(options, knowing("meter", std::string(32, 'b'))).shake());
    CHECK_FALSE(Pair(options, knowing("lamp", key)).shake());
    CHECK_FALSE(Pair(options, client_options()).shake());
}

TEST_CASE("a client's file has exactly one pre-shared key, and a change of the file is noticed") {
    TlsClientOptions options;
    options.psk_file = write_file("psk-of-client", "meter:" + std::string(32, 'a') + "\n");
    CHECK(check_tls_client(options).ok());
    CHECK(files_of(options) == std::vector<std::string>{options.psk_file});
    options.psk_file = write_file("two-keys", "a:" + std::string(32, 'a') + "\nb:" + std::string(32, 'b') + "\n");
    const auto two = check_tls_client(options);
    REQUIRE_FALSE(two.ok());
    CHECK(two.error().option == TlsProblem::Option::psk_file);
    CHECK(text_of(two.error().reason).ends_with("has more than one key; a client needs exactly one"));
    options.psk_file = write_file("short-key", "meter:abcd\n");
    const auto bad = check_tls_client(options);
    REQUIRE_FALSE(bad.ok());
    CHECK(text_of(bad.error().reason).find("line 1 has a key of 2 bytes") != std::string::npos);
}

TEST_CASE("a client cannot tell an identity that nobody has from a wrong key; the log can") {
    TlsOptions options;
    options.psk_file = write_file("psk", "meter:" + std::string(32, 'a') + "\n");
    Pair wrong_key(options, knowing("meter", std::string(32, 'b')));
    Pair unknown(options, knowing("lamp", std::string(32, 'a')));
    CHECK_FALSE(wrong_key.shake());
    CHECK_FALSE(unknown.shake());
    CHECK(unknown.client->failure_reason() == wrong_key.client->failure_reason());
    CHECK(unknown.server->failure_reason().find("no identity 'lamp'") != std::string::npos);
    CHECK(wrong_key.server->failure_reason().find("another key for the identity 'meter'") != std::string::npos);
}

TEST_CASE("ALPN: the server's preference among what is asked for; nothing in common is refused") {
    TlsOptions options = server_options();
    options.alpn = {"mqtt", "x-amzn-mqtt-ca"};
    TlsClientOptions asking = client_options();
    asking.alpn = {"x-amzn-mqtt-ca", "mqtt"};
    Pair pair(options, asking);
    REQUIRE(pair.shake());
    CHECK(pair.server->alpn() == "mqtt");
    asking.alpn = {"h2"};
    CHECK_FALSE(Pair(options, asking).shake());
    CHECK(Pair(options, client_options()).shake());
}

TEST_CASE("options that cannot work are refused with the option that is wrong") {
    using Option = TlsProblem::Option;
    const auto problem = [](const TlsOptions& options) {
        const auto checked = check_tls(options);
        REQUIRE_FALSE(checked.ok());
        return checked.error().option;
    };
    CHECK(problem({}) == Option::certificate);
    TlsOptions options = server_options();
    options.certificates[0].certificate_file = pki_folder() + "/nothing";
    CHECK(problem(options) == Option::certificate);
    options = server_options();
    options.certificates[0].key_file = pki_folder() + "/client.key";
    CHECK(problem(options) == Option::key);
    options = server_options();
    options.psk_file = write_file("psk", "meter:" + std::string(32, 'a'));
    CHECK(problem(options) == Option::psk_file);
    options = server_options();
    options.client_certificate = TlsOptions::ClientCertificate::required;
    CHECK(problem(options) == Option::client_certificate);
    options.ca_file = write_file("not-pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK(problem(options) == Option::ca);
    options.ca_file = pki_folder() + "/ca.pem";
    options.crl_file = pki_folder() + "/ca.pem";
    CHECK(problem(options) == Option::crl);
    options = server_options();
    options.ciphers = {"TLS_NOTHING"};
    CHECK(problem(options) == Option::ciphers);
    options = server_options();
    options.alpn = {std::string(300, 'a')};
    CHECK(problem(options) == Option::alpn);
    CHECK(check_tls(server_options()).ok());
}
