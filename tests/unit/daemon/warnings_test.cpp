// What `ledgemq check` warns of: one case for each danger, and none where there is none.
#include "warnings.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace ledge;
using namespace ledge::daemon;

namespace {

/// A file of this test with a mode.
struct File {
    explicit File(mode_t mode, const std::string& name = "danger")
        : path((std::filesystem::temp_directory_path() / ("ledgemq-" + name + "-" + std::to_string(::getpid())))
                   .string()) {
        std::ofstream(path) << "";
        ::chmod(path.c_str(), mode);
    }
    ~File() { std::filesystem::remove(path); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    std::string path;
};

config::Loaded parse(const std::string& toml) {
    config::Loaded loaded = config::parse(toml, {});
    REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.complaints[0].line()));
    loaded.notes.clear();
    return loaded;
}

/// The one note about a configuration; "" if there is none.
std::string danger_of(const std::string& toml, const config::Sources& sources = {}) {
    config::Loaded loaded = parse(toml);
    note_warnings(sources, loaded);
    REQUIRE(loaded.notes.size() <= 1);
    return loaded.notes.empty() ? "" : loaded.notes[0];
}

std::string listener(const std::string& url, const std::string& more = "") {
    return "[listeners.a]\nurl = '" + url + "'\n" + more + "\n";
}

const std::string passwords = "[auth]\npassword_file = '/etc/ledgemq/users'\n";
const std::string certificate = "[listeners.a.tls]\ncertificate = 'c'\nkey = 'k'\n";

}  // namespace

TEST_CASE("nothing is dangerous about what only this machine reaches, or about the defaults") {
    CHECK(danger_of("").empty());
    CHECK(danger_of(listener("mqtt://127.0.0.1") + passwords).empty());
    CHECK(danger_of(listener("mqtts://0.0.0.0", certificate) + passwords).empty());
    CHECK(danger_of(listener("mqtt://0.0.0.0")).empty());  // nobody has a password
}

TEST_CASE("danger: passwords over a public listener without TLS") {
    CHECK(danger_of(listener("mqtt://0.0.0.0") + passwords) ==
          "passwords for mqtt://0.0.0.0 are sent unencrypted; use mqtts://");
    CHECK(danger_of(listener("ws://0.0.0.0:80/mqtt") + passwords).ends_with("use wss://"));
    CHECK(danger_of(listener("mqtt://0.0.0.0", "proxy_protocol = true\nproxy_from = ['10.1.0.0/16']") + passwords)
              .empty());  // TLS ends at the proxy
}

TEST_CASE("danger: passwords that may be guessed for ever") {
    const std::string endless = passwords + "login_failures_max = 0\n";
    CHECK(danger_of(listener("mqtts://0.0.0.0", certificate) + endless).find("login_failures_max is 0") !=
          std::string::npos);
    CHECK(danger_of(listener("mqtt://127.0.0.1") + endless).empty());
    CHECK(danger_of(listener("mqtts://0.0.0.0", certificate + "client_certificate = 'required'\nca = 'x'") + endless)
              .empty());
}

TEST_CASE("danger: weak cipher suites; strong ones are not") {
    const auto of = [](const std::string& suite) {
        return danger_of(listener("mqtts://127.0.0.1", certificate + "ciphers = ['" + suite + "']"));
    };
    CHECK(of("TLS_RSA_WITH_NULL_SHA256").ends_with("does not encrypt"));
    CHECK(of("TLS_RSA_WITH_RC4_128_SHA").ends_with("is broken"));
    CHECK(of("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA").ends_with("is broken"));
    CHECK(of("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA").ends_with("has no authenticated encryption"));
    CHECK(of("TLS_RSA_WITH_AES_128_GCM_SHA256").find("has no forward secrecy") != std::string::npos);
    CHECK(of("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256").find("has no forward secrecy") != std::string::npos);
    for (const char* suite : {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                              "TLS_AES_128_GCM_SHA256", "TLS_PSK_WITH_AES_128_CCM_8"})
        CHECK(of(suite).empty());
}

TEST_CASE("danger: proxies believed from too many addresses") {
    const auto proxy = [](const std::string& network) {
        return danger_of(listener("mqtt://127.0.0.1", "proxy_protocol = true\nproxy_from = ['" + network + "']"));
    };
    for (const char* network : {"0.0.0.0/0", "64.0.0.0/7", "::/0", "2000::/3"})
        CHECK(proxy(network).find(std::string("has ") + network + ": every host in it") != std::string::npos);
    for (const char* network : {"10.0.0.0/8", "192.0.2.1", "fd00::/16", "::1"}) CHECK(proxy(network).empty());
    CHECK(danger_of(listener("ws://127.0.0.1:80/mqtt", "[listeners.a.websocket]\ntrusted_proxies = ['0.0.0.0/0']"))
              .starts_with("websocket.trusted_proxies of ws://127.0.0.1:80/mqtt has 0.0.0.0/0"));
}

TEST_CASE("danger: the operators' token on a public address, or in a file that everybody may read or write") {
    CHECK(danger_of("[admin]\nurl = 'http://0.0.0.0:9883'\ntoken_file = '/none'\n").find("is sent unencrypted") !=
          std::string::npos);
    CHECK(danger_of("[admin]\nurl = 'https://0.0.0.0:9883'\ntoken_file = '/none'\n[admin.tls]\ncertificate = 'c'\n"
                    "key = 'k'\n")
              .empty());
    for (const auto& [mode, word] : {std::pair{0644, "read"}, {0602, "write"}}) {
        const File token(static_cast<mode_t>(mode));
        CHECK(danger_of("[admin]\nurl = 'http://127.0.0.1:9883'\ntoken_file = '" + token.path + "'\n")
                  .find(std::string("every user of this machine can ") + word + " the token") == 0);
    }
    const File token(0640);
    CHECK(danger_of("[admin]\nurl = 'http://127.0.0.1:9883'\ntoken_file = '" + token.path + "'\n").empty());
}

TEST_CASE("danger: a configuration that everybody may write") {
    const File open(0666);
    config::Sources sources;
    sources.file = open.path;
    CHECK(danger_of("", sources).find("can write the configuration") != std::string::npos);
    ::chmod(open.path.c_str(), 0644);
    CHECK(danger_of("", sources).empty());
}

TEST_CASE("danger: root on a public address, unless it becomes somebody else") {
    const auto notes = [](bool is_root, const std::string& toml) {
        config::Loaded loaded = parse(toml);
        note_account(is_root, loaded);
        return loaded.notes.size();
    };
    CHECK(notes(true, listener("mqtt://0.0.0.0")) == 1);
    CHECK(notes(true, "[admin]\nurl = 'http://0.0.0.0:9883'\ntoken_file = '/none'\n") == 1);
    CHECK(notes(false, listener("mqtt://0.0.0.0")) == 0);
    CHECK(notes(true, listener("mqtt://127.0.0.1")) == 0);
    CHECK(notes(true, listener("mqtt://0.0.0.0") + "[process]\nuser = 'nobody'\n") == 0);
}

TEST_CASE("files that are read again are those of the policy and of TLS") {
    config::Loaded loaded = parse(listener(
        "mqtts://127.0.0.1", certificate + "ca = 'a'\ncrl = 'r'\n" + "sni_certificates = ['d']\nsni_keys = ['e']"));
    loaded.policy_files = {"users"};
    std::vector<std::string> files = files_read_again(loaded);
    std::ranges::sort(files);
    CHECK(files == std::vector<std::string>{"a", "c", "d", "e", "k", "r", "users"});
}
