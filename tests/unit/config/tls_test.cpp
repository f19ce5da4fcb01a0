// [listeners.NAME.tls]: what it holds, and what only makes sense together. Files are read by the daemon.
#include <doctest/doctest.h>

#include <algorithm>

#include "helpers.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

Loaded load_listener(const std::string& url, const std::string& keys) {
    return parse("[listeners.a]\nurl = '" + url + "'\n[listeners.a.tls]\n" + keys, {});
}

bool complains(const Loaded& loaded, std::string_view line_and_text, std::string_view part) {
    return std::any_of(loaded.complaints.begin(), loaded.complaints.end(), [&](const Complaint& complaint) {
        return complaint.line().starts_with(line_and_text) && complaint.text.find(part) != std::string::npos;
    });
}

constexpr std::string_view files = "certificate = '/c.pem'\nkey = '/c.key'\n";

}  // namespace

TEST_CASE("every key of the section reaches its member") {
    const Loaded loaded = load_listener(
        "mqtts://0.0.0.0",
        std::string(files) +
            "sni_certificates = ['/d.pem']\nsni_keys = ['/d.key']\nca = '/ca.pem'\ncrl = '/ca.crl'\n"
            "client_certificate = 'required'\nusername_from = 'san'\nalpn = ['mqtt']\nminimum_version = '1.3'\n"
            "ciphers = ['TLS_X']\nticket_lifetime_s = 60\nhandshake_timeout_s = 3\nhandshakes_max = 7\n"
            "handshakes_queued_max = 8\n");
    REQUIRE(loaded.ok());
    const ListenerSocket& socket = loaded.config.sockets[0];
    CHECK(socket.endpoint.is_tls);
    CHECK(socket.endpoint.port == 8883);
    CHECK(socket.tls.certificate == "/c.pem");
    CHECK(socket.tls.key == "/c.key");
    CHECK(socket.tls.sni_certificates == std::vector<std::string>{"/d.pem"});
    CHECK(socket.tls.sni_keys == std::vector<std::string>{"/d.key"});
    CHECK(socket.tls.ca == "/ca.pem");
    CHECK(socket.tls.crl == "/ca.crl");
    CHECK((socket.tls.client_certificate == ClientCertificate::required));
    CHECK((socket.tls.username_from == TlsUserName::subject_alternative_name));
    CHECK(socket.tls.alpn == std::vector<std::string>{"mqtt"});
    CHECK((socket.tls.minimum_version == TlsVersion::tls1_3));
    CHECK(socket.tls.ciphers == std::vector<std::string>{"TLS_X"});
    CHECK(socket.tls.ticket_lifetime == 60s);
    CHECK(socket.tls.handshake_timeout == 3s);
    CHECK(socket.tls.handshakes_max == 7);
    CHECK(socket.tls.handshakes_queued_max == 8);
    CHECK(loaded.places.at("listeners.a.tls.crl") == "configuration:9");
}

TEST_CASE("TLS wants a certificate with its key, or pre-shared keys") {
    CHECK(complains(load_listener("mqtts://127.0.0.1", ""), "configuration:2: ", "requires a certificate"));
    CHECK(complains(load_listener("wss://127.0.0.1", ""), "configuration:2: ", "requires a certificate"));
    CHECK(complains(load_listener("mqtts://127.0.0.1", "certificate = '/c'\n"), "configuration:4: ", "requires key"));
    CHECK(complains(load_listener("mqtts://127.0.0.1", "key = '/c'\n"), "configuration:4: ", "requires certificate"));
    CHECK(complains(load_listener("mqtts://127.0.0.1", std::string(files) + "sni_certificates = ['/d']\n"),
                    "configuration:6: ", "different numbers"));
    CHECK(load_listener("mqtts://127.0.0.1", "psk_file = '/keys'\n").ok());
    CHECK(load_listener("wss://127.0.0.1", std::string(files)).ok());
}

TEST_CASE("the section says nothing about a listener without TLS") {
    CHECK(complains(load_listener("mqtt://127.0.0.1", std::string(files)), "configuration:2: ", "has no TLS"));
    CHECK(load_listener("mqtt://127.0.0.1", "").ok());
    CHECK(load_listener("mqtt://127.0.0.1", "handshakes_max = 100\n").ok());  // as it is anyway
}

TEST_CASE("who has proven who it is may come in from elsewhere") {
    const auto is_anonymous = [](const std::string& keys) {
        const Loaded loaded = load_listener("mqtts://0.0.0.0", keys);
        REQUIRE(loaded.ok());
        return loaded.config.shard.listeners[0].allow_anonymous;
    };
    CHECK_FALSE(is_anonymous(std::string(files)));
    CHECK_FALSE(is_anonymous(std::string(files) + "ca = '/ca'\nclient_certificate = 'optional'\n"));
    CHECK(is_anonymous(std::string(files) + "ca = '/ca'\nclient_certificate = 'required'\n"));
    CHECK(is_anonymous("psk_file = '/keys'\n"));
}

TEST_CASE("pages have TLS where their url says so, and nobody else's options") {
    const auto load_admin = [](const std::string& url, const std::string& keys) {
        return parse("[admin]\nurl = '" + url + "'\n[admin.tls]\n" + keys, {});
    };
    const std::string required = std::string(files) + "ca = '/ca'\nclient_certificate = 'required'\n";
    CHECK(load_admin("https://127.0.0.1", std::string(files)).ok());
    CHECK(load_admin("https://0.0.0.0", required).ok());
    CHECK(load_admin("https://0.0.0.0", required).notes.empty());
    CHECK(
        complains(load_admin("https://0.0.0.0", std::string(files)), "configuration:2: ", "or https:// with client_"));
    CHECK(complains(load_admin("https://0.0.0.0", std::string(files) + "ca = '/ca'\nclient_certificate = 'optional'\n"),
                    "configuration:2: ", "requires admin.token_file"));
    CHECK(complains(load_admin("https://127.0.0.1", ""), "configuration:2: ", "key = \"FILE\" to [admin.tls]"));
    CHECK(complains(load_admin("https://127.0.0.1", "key = '/k'\n"), "configuration:4: ", "requires certificate"));
    CHECK(complains(load_admin("http://127.0.0.1", std::string(files)), "configuration:2: ", "or write https://"));
    CHECK(complains(load_admin("https://127.0.0.1", "psk_file = '/k'\n"), "configuration:4: ", "is unknown"));
    const Loaded loaded = load_admin("https://0.0.0.0", required);
    const Loaded again = parse(print(loaded.config), {});
    REQUIRE(again.ok());
    CHECK((again.config.admin.tls == loaded.config.admin.tls));
}

TEST_CASE("what is printed parses back") {
    const Loaded loaded = load_listener("mqtts://0.0.0.0", std::string(files) + "alpn = ['mqtt', 'x']\n");
    REQUIRE(loaded.ok());
    const Loaded again = parse(print(loaded.config), {});
    REQUIRE(again.ok());
    CHECK((again.config.sockets[0].tls == loaded.config.sockets[0].tls));
    CHECK(differences(loaded.config, again.config).empty());
}
