#include "tls_files.hpp"

#include <doctest/doctest.h>

using namespace ledge;
using namespace ledge::daemon;
using net::TlsOptions;

namespace {

config::Loaded load(const std::string& url, const std::string& keys) {
    config::Sources sources;
    sources.file = "x.toml";
    config::Loaded loaded =
        config::parse("[listeners.a]\nurl = '" + url + "'\n[listeners.a.tls]\n" + keys + "\n", sources);
    REQUIRE(loaded.ok());
    return loaded;
}

TlsOptions options_of(const config::Loaded& loaded) {
    const config::ListenerSocket& socket = loaded.config.sockets[0];
    return tls_options(socket.tls, socket.endpoint.protocol);
}

}  // namespace

TEST_CASE("the section becomes the options of the transport") {
    const config::Loaded loaded =
        load("mqtts://127.0.0.1",
             "certificate = 'c'\nkey = 'k'\nsni_certificates = ['d', 'e']\nsni_keys = ['l', 'm']\n"
             "ca = 'a'\ncrl = 'r'\nclient_certificate = 'required'\nusername_from = 'cn'\n"
             "ticket_lifetime_s = 5\nhandshake_timeout_s = 6\nhandshakes_max = 7");
    const TlsOptions options = options_of(loaded);
    REQUIRE(options.certificates.size() == 3);
    CHECK((options.certificates[0] == net::TlsCertificate{"c", "k"}));
    CHECK((options.certificates[2] == net::TlsCertificate{"e", "m"}));
    CHECK(options.ca_file == "a");
    CHECK(options.crl_file == "r");
    CHECK((options.client_certificate == TlsOptions::ClientCertificate::required));
    CHECK((options.user_name_from == TlsOptions::UserName::common_name));
    CHECK(options.alpn == std::vector<std::string>{"mqtt", "x-amzn-mqtt-ca"});
    CHECK(options.ticket_lifetime == 5s);
    CHECK(options.handshake_time_max == 6s);
    CHECK(options.handshakes_max == 7);
    CHECK(options_of(load("wss://127.0.0.1", "psk_file = 'p'")).alpn == std::vector<std::string>{"http/1.1"});
    CHECK(options_of(load("wss://127.0.0.1", "psk_file = 'p'\nalpn = ['x']")).alpn == std::vector<std::string>{"x"});
}

TEST_CASE("a wrong file is complained about where its key was said") {
    config::Loaded loaded = load("mqtts://127.0.0.1", "key = '/none.key'\ncertificate = '/none.pem'");
    check_tls_files(loaded);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].line().starts_with("x.toml:5: key 'listeners.a.tls.certificate': /none.pem cannot be"));
    loaded = load("mqtts://127.0.0.1", "psk_file = '/none'");
    check_tls_files(loaded);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].line().starts_with("x.toml:4: key 'listeners.a.tls.psk_file': /none cannot be opened"));
}

TEST_CASE("the files of the pages are looked at too") {
    config::Sources sources;
    sources.file = "x.toml";
    config::Loaded loaded = config::parse(
        "[admin]\nurl = 'https://127.0.0.1:1'\n[admin.tls]\nkey = '/none.key'\ncertificate = '/none.pem'\n", sources);
    REQUIRE(loaded.ok());
    check_tls_files(loaded);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].line().starts_with("x.toml:5: key 'admin.tls.certificate': /none.pem cannot be opened"));
}

TEST_CASE("a listener without TLS names no files") {
    config::Loaded loaded = config::parse("[listeners.a]\nurl = 'mqtt://127.0.0.1'\n", {});
    check_tls_files(loaded);
    CHECK(loaded.ok());
}

TEST_CASE("so is whom the authentication hook is believed by") {
    config::Sources sources;
    sources.file = "x.toml";
    config::Loaded loaded = config::parse("[auth.http]\nurl = 'https://a.example/'\nca = '/none.pem'\n", sources);
    loaded.policy = config::load_policy(loaded.config.auth).policy;
    REQUIRE(loaded.ok());
    check_hook_files(loaded);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].line().starts_with("x.toml:3: key 'auth.http.ca': /none.pem cannot be opened"));
}
