// The passwords of bridges: files, programs and tokens, as the configuration wants them.
#include "bridge_password.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "../auth/signing_keys.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/jwt.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/config/load.hpp"
#include "ledge/os/program.hpp"
#include "process.hpp"

namespace ledge::daemon {
namespace {

using bridge::RetryClass;
using uplink::PasswordHook;
using uplink::PasswordProblem;
using uplink::PasswordResult;

/// A file that only its owner may read, until the end of the scope.
class KeyFile {
public:
    explicit KeyFile(std::string_view text) : path("/tmp/ledge-bridge-key-" + std::to_string(random_seed())) {
        write(text);
    }
    ~KeyFile() { std::filesystem::remove(path); }
    KeyFile(const KeyFile&) = delete;
    KeyFile& operator=(const KeyFile&) = delete;
    void write(std::string_view text) const {
        std::ofstream(path, std::ios::binary) << text;
        allow(0600);
    }
    void allow(::mode_t mode) const { REQUIRE(::chmod(path.c_str(), mode) == 0); }
    const std::string path;
};

constexpr auth::WallTime noon{std::chrono::sys_days{std::chrono::year{2030} / 1 / 2} + 12h};

std::chrono::system_clock::time_point at_noon() { return noon; }
std::chrono::system_clock::time_point without_clock() { return std::chrono::system_clock::time_point(5min); }

/// The hook of a bridge with these lines, which may end in sections.
PasswordHook hook_of(const std::string& lines, WallClock clock = at_noon) {
    const config::Loaded loaded = config::parse("[bridges.cloud]\nurls = ['mqtts://h']\nuser = 'u'\n" + lines +
                                                    "\n[bridges.cloud.tls]\nca = '/ca'\n"
                                                    "[[bridges.cloud.routes]]\nfilter = 'a/#'\n",
                                                {});
    for (const config::Complaint& complaint : loaded.complaints) FAIL(complaint.line());
    return password_hook(loaded.config.bridges.at(0), clock);
}

PasswordResult make(const PasswordHook& hook) { return hook.make(os::ProgramStop()); }

std::string made(const PasswordHook& hook) {
    const PasswordResult result = make(hook);
    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().reason));
    return std::string(as_text(result.value().text.bytes()));
}

PasswordProblem problem(const PasswordHook& hook) {
    const PasswordResult result = make(hook);
    REQUIRE_FALSE(result.ok());
    return result.error();
}

std::string command(const std::string& script) {
    return "password_command = ['/bin/sh', '-c', '" + script + "', 'sh', 'one argument']";
}

std::string token(const KeyFile& key, const std::string& more) {
    return "[bridges.cloud.token]\nkey_file = '" + key.path + "'\n" + more;
}

auth::LoginOutcome checked(std::string_view public_key, const std::string& text, auth::WallTime now = noon) {
    auth::TokenRules rules;
    rules.keys = auth::parse_key_file(public_key).value().keys;
    rules.issuer = "gw";
    rules.audience = "broker";
    rules.leeway = std::chrono::seconds(0);
    return auth::check_token(rules, as_bytes(text), "u", now);
}

}  // namespace

TEST_CASE("a bridge without a password has no hook") { CHECK(hook_of("").make == nullptr); }

TEST_CASE("the password is read before each connection, and the error names the file") {
    const KeyFile file("first\n");
    const PasswordHook hook = hook_of("password_file = '" + file.path + "'");
    CHECK_FALSE(hook.is_slow);
    CHECK(made(hook) == "first");
    CHECK(make(hook).value().origin == "read from " + file.path);
    file.write("second\r\n");
    CHECK(made(hook) == "second");
    file.allow(0604);
    CHECK(problem(hook).reason.find("chmod o-r " + file.path) != std::string::npos);
    CHECK(problem(hook).kind == RetryClass::operator_needed);
    std::filesystem::remove(file.path);
    CHECK(problem(hook).reason.find(file.path) != std::string::npos);
}

TEST_CASE("a password command prints the password in its first line") {
    CHECK(hook_of(command(":")).is_slow);
    CHECK(made(hook_of(command("echo \"$1\"; echo more"))) == "one argument");
    CHECK(made(hook_of(command("printf \"secret\\\\r\\\\n\""))) == "secret");
    CHECK(made(hook_of(command("printf secret"))) == "secret");
    const PasswordResult loud = make(hook_of(command("echo secret; echo >&2; echo careful >&2")));
    CHECK(loud.value().origin == "made by /bin/sh");
    CHECK(loud.value().remark == "careful");
    CHECK(loud.value().valid_for == 0s);
}

TEST_CASE("a password command that fails says why, and never what it has printed") {
    const auto reason = [](const std::string& script) {
        const PasswordProblem found = problem(hook_of(command(script)));
        CHECK(found.kind == RetryClass::network);
        CHECK(found.reason.find("secret") == std::string::npos);
        return found.reason;
    };
    CHECK(reason("echo secret; echo \"no network\" >&2; echo more >&2; exit 4") ==
          "the password command /bin/sh has ended with status 4");
    // The reason is published, and a program may say anything.
    CHECK(problem(hook_of(command("echo \"no network\" >&2; echo more >&2; exit 4"))).remark == "no network");
    CHECK(reason("true") == "the password command /bin/sh has printed no password");
    CHECK(reason("echo; echo secret") == "the password command /bin/sh has printed no password");
    CHECK(reason("head -c 70000 /dev/zero | tr \"\\\\0\" x") ==
          "the password command /bin/sh has printed too long a password");
    CHECK(reason("yes secret") == "the password command /bin/sh has printed more than 131072 bytes");
}

TEST_CASE("a JSON Web Token is one that the broker's own check accepts, with the configured claims") {
    struct Kind {
        const char* algorithm;
        std::string_view private_key;
        std::string_view public_key;
        bool is_slow;
    };
    const std::string secret(40, 's');
    for (const Kind& kind :
         {Kind{"ES256", auth::test::ec_private, auth::test::ec_public, true},
          Kind{"RS256", auth::test::rsa_private, auth::test::rsa_public, true}, Kind{"HS256", secret, secret, false}}) {
        CAPTURE(kind.algorithm);
        const KeyFile file(kind.private_key);
        const PasswordHook hook =
            hook_of(token(file, "kind = 'jwt'\nalgorithm = '" + std::string(kind.algorithm) +
                                    "'\nissuer = 'gw'\nsubject = 'u'\naudience = 'broker'\nlifetime_s = 600\n"
                                    "claims = {roles = ['meter'], site = 17}"));
        CHECK(hook.is_slow == kind.is_slow);
        const std::string text = made(hook);
        const auth::LoginOutcome outcome = checked(kind.public_key, text);
        CHECK(outcome.reason == "");
        CHECK(outcome.identity.user == "u");
        CHECK(outcome.identity.roles == std::vector<std::string>{"meter"});
        CHECK(outcome.valid_for == std::chrono::seconds(600));
        CHECK(checked(kind.public_key, text, noon + 600s).reason == "the token has expired");
        CHECK(make(hook).value().valid_for == 600s);
        CHECK(make(hook).value().origin == "a token that is valid until 2030-01-02T12:10:00Z");
    }
}

TEST_CASE("a token for Azure is dated by the clock, and names the resource") {
    const KeyFile file("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    const std::string text =
        made(hook_of(token(file, "kind = 'sas'\nresource = '0ne/registrations/gw'\npolicy = 'registration'")));
    CHECK(text.starts_with("SharedAccessSignature sr=0ne%2Fregistrations%2Fgw&sig="));
    const auto end = std::chrono::duration_cast<std::chrono::seconds>((noon + 1h).time_since_epoch()).count();
    CHECK(text.ends_with("&se=" + std::to_string(end) + "&skn=registration"));
}

TEST_CASE("the key of a token is read for each token") {
    const KeyFile file(std::string(32, 'a'));
    const PasswordHook hook =
        hook_of(token(file, "kind = 'jwt'\nalgorithm = 'HS256'\nissuer = 'gw'\nsubject = 'u'\naudience = 'broker'"));
    CHECK(checked(std::string(32, 'a'), made(hook)).reason == "");
    file.write(std::string(32, 'b'));
    CHECK(checked(std::string(32, 'b'), made(hook)).reason == "");
    file.allow(0644);
    CHECK(problem(hook).reason.find("chmod o-r " + file.path) != std::string::npos);
    CHECK(problem(hook).kind == RetryClass::operator_needed);
    file.write("short");
    CHECK(problem(hook).reason.starts_with(file.path + " has a secret of 40 bits"));
}

TEST_CASE("without a clock there is no token, and the next attempt comes soon") {
    const KeyFile file(std::string(32, 'a'));
    const PasswordProblem found = problem(hook_of(token(file, "kind = 'jwt'\nalgorithm = 'HS256'"), without_clock));
    CHECK(found.kind == RetryClass::network);
    CHECK(found.reason.find("the clock of this machine is not set (it says 1970-01-01T00:05:00Z)") == 0);
}

TEST_CASE("a token that MQTT has no room for is not sent") {
    const KeyFile file(std::string(32, 'a'));
    std::string claims;
    for (int i = 0; i < 32; ++i) {
        claims += "c" + std::to_string(i) + " = [";
        for (int text = 0; text < 3; ++text) claims += (text > 0 ? ",\n'" : "'") + std::string(900, 'x') + "'";
        claims += "]\n";
    }
    CHECK(problem(hook_of(token(file, "kind = 'jwt'\nalgorithm = 'HS256'\n[bridges.cloud.token.claims]\n" + claims)))
              .reason.find("too long for MQTT") != std::string::npos);
}

}  // namespace ledge::daemon
