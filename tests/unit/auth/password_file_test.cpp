#include "ledge/auth/password_file.hpp"

#include <doctest/doctest.h>

#include "ledge/auth/text_file.hpp"
#include "ledge/base/secret.hpp"

namespace ledge::auth {
namespace {

// Written by mosquitto_passwd 2.0.11: `-b FILE USER PASSWORD`, the last two with `-H sha512`.
constexpr std::string_view made_by_mosquitto =
    "alice:$7$101$ayuVJDQdWY7fNTyB$"
    "3d8+IytXTLRSRX3vqBzhZRuplG6VlcVRtxpJKFp9fFcdMcs9WqYR2LQbz7Rao1nELYLruf7l/F12sdOBDZVJ2Q==\n"
    "bob:$7$101$1Rg63E4lhn0474vQ$"
    "O9rbMt4qTmrn+ivpHadJgDFlGPBfQcAznfj9bl3tCXWWbdBKvbgufBmxbyyftN+UAxXq05A7l4lwj+YRtmoEFA==\n"
    "carol:$6$fWfDM5e0FPpFr8HN$"
    "twiXH3Zx5qGzfVMsuef9r/M1w7FNCiDJ3vYfAA5j9QzBmeYHCPqDb4XrR3cbjLAJHVZ4GSfsjIooIwW0Rw8Aow==\n"
    "dave:$6$dsbjkj75pNNFVIhB$"
    "dHMitpDafMTjyMdXS4wj8XIPIuGTfjYd1N2uQOfQ57/kf6wE5r/KR2YPIVv5jwbd4OjPhtfUBOPHudfpEGwvew==\n";

PasswordFile parsed(std::string_view text) {
    auto file = PasswordFile::parse(text);
    REQUIRE(file.ok());
    return std::move(*file);
}

std::string problem_of(std::string_view text) {
    const auto file = PasswordFile::parse(text);
    REQUIRE_FALSE(file.ok());
    return std::to_string(file.error().front().line) + ": " + file.error().front().text;
}

bool logs_in(const PasswordFile& file, std::string_view user, std::string_view password) {
    const PasswordFile::Entry* entry = file.find(user);
    return entry != nullptr && is_right(entry->hash, as_bytes(password));
}

TEST_CASE("what mosquitto_passwd writes is read as it is, both kinds of hash") {
    const PasswordFile file = parsed(made_by_mosquitto);
    CHECK(file.size() == 4);
    CHECK(logs_in(file, "alice", "secret"));
    CHECK(logs_in(file, "bob", "p\xC3\xA4 ss:word$"));
    CHECK(logs_in(file, "carol", "old"));
    CHECK(logs_in(file, "dave", ""));
    for (const char* wrong : {"", "Secret", "secret ", "secre", "secrett"}) CHECK_FALSE(logs_in(file, "alice", wrong));
    CHECK_FALSE(logs_in(file, "carol", "old\n"));
    CHECK_FALSE(logs_in(file, "dave", "x"));
    for (const char* unknown : {"Alice", "alic", "alice ", "", "eve"}) CHECK(file.find(unknown) == nullptr);
    CHECK(file.find("carol")->line == 3);
    for (const char* user : {"alice", "carol"}) {
        const PasswordHash& hash = file.find(user)->hash;
        CHECK(made_by_mosquitto.find(std::string(user) + ":" + to_text(hash) + "\n") != std::string_view::npos);
    }
}

TEST_CASE("a new hash is PBKDF2 (RFC 8018) and goes through its text") {
    const PasswordHash hash = hash_password(as_bytes("pw"), as_bytes("sixteen bytes it"), 1000);
    const auto again = parse_password_hash(to_text(hash));
    REQUIRE(again);
    CHECK(*again == hash);
    CHECK(is_right(*again, as_bytes("pw")));
    CHECK_FALSE(is_right(*again, as_bytes("pW")));
    CHECK_FALSE(hash_password(as_bytes("pw"), as_bytes("another salt 16b"), 1000).digest == hash.digest);
    CHECK_FALSE(hash_password(as_bytes("pw"), as_bytes("sixteen bytes it"), 1001).digest == hash.digest);
    // Independent: hashlib.pbkdf2_hmac('sha512', b'password', b'saltSALTsalt', 4096)
    const PasswordHash known = hash_password(as_bytes("password"), as_bytes("saltSALTsalt"), 4096);
    CHECK(to_text(known) ==
          "$7$4096$c2FsdFNBTFRzYWx0$"
          "BIUZjAdfHl2QwRol4U4qZUGblKsWB1J0bzKE0mXlCY8GgMxwH5HSZVtjJACDhIPDzh2NuhN4ZzhZO2nlLf6nFA==");
}

TEST_CASE("comments, empty lines, CR LF and a last line without its end are fine") {
    std::string text = "# users\r\n\r\n";
    text += made_by_mosquitto.substr(0, made_by_mosquitto.find('\n'));
    CHECK(logs_in(parsed(text), "alice", "secret"));
    CHECK(logs_in(parsed(text + "\r\n"), "alice", "secret"));
    CHECK(parsed("").size() == 0);
    CHECK(parsed("").decoy("x") == nullptr);
}

TEST_CASE("a line that is not an entry is a problem with its number, and nothing of the file is taken") {
    const std::string first(made_by_mosquitto.substr(0, made_by_mosquitto.find('\n') + 1));
    const std::string hash = first.substr(first.find(':'));
    CHECK(problem_of(first + "nonsense\n").starts_with("2: is not USER:HASH"));
    CHECK(problem_of(first + "eve:secret\n").starts_with("2: has no hash"));
    CHECK(problem_of("eve:\n").starts_with("1: has no hash"));
    CHECK(problem_of(hash).starts_with("1: has an invalid user name"));
    CHECK(problem_of("e\x01" + hash).starts_with("1: has an invalid user name"));
    CHECK(problem_of("\xC3" + hash).starts_with("1: has an invalid user name"));
    CHECK(problem_of(first + "#\n" + first) == "3: names the same user as line 1");
    CHECK(problem_of(std::string(5000, 'x')).starts_with("1: is longer than"));
    CHECK(problem_of(std::string(5'000'000, '\n')).starts_with("1: the file is larger than"));
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "x\n";
    CHECK(PasswordFile::parse(many).error().size() == problems_max);
}

TEST_CASE("hashes that would be guesses are refused") {
    const std::string digest = std::string(85, 'A') + "Q==";
    CHECK(parse_password_hash("$7$1$AAAA$" + digest));
    for (const char* bad : {"", "$7$", "$7$1$AAAA$", "$7$1$$", "$7$1$AAAA$AAAA", "$6$", "plain"})
        CHECK_FALSE(parse_password_hash(bad));
    CHECK_FALSE(parse_password_hash("$5$1$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$0$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$-1$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$10000001$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$99999999999$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$1x$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$1$$" + digest));
    CHECK_FALSE(parse_password_hash("$7$1$A!AA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$1$AAAA$" + digest + "AAAA"));
    CHECK_FALSE(parse_password_hash("$7$1$AAAA"));
    CHECK_FALSE(parse_password_hash("$6$AAAA"));
    CHECK(parse_password_hash("$6$AAAA$" + digest));
    CHECK_FALSE(parse_password_hash("$7$1$" + std::string(88, 'A') + "$" + digest));  // a salt of 66 bytes
}

TEST_CASE("an unknown user costs what some known one does, always the same") {
    const PasswordFile file = parsed(made_by_mosquitto);
    bool is_spread = false;
    const PasswordHash* first = file.decoy("x0");
    for (int i = 0; i < 50; ++i) {
        const std::string name = "x" + std::to_string(i);
        const PasswordHash* hash = file.decoy(name);
        REQUIRE(hash != nullptr);
        CHECK(hash == file.decoy(name));
        is_spread = is_spread || hash != first;
    }
    CHECK(is_spread);
}

TEST_CASE("editing touches one line only") {
    const std::string text = "# top\nalice:x\nother line\nbob:y";
    const PasswordHash hash = hash_password(as_bytes("pw"), as_bytes("salt"), 1);
    const std::string line = ":" + to_text(hash) + "\n";
    CHECK(with_password(text, "alice", hash) == "# top\nalice" + line + "other line\nbob:y\n");
    CHECK(with_password(text, "carol", hash) == "# top\nalice:x\nother line\nbob:y\ncarol" + line);
    CHECK(with_password("", "carol", hash) == "carol" + line);
    CHECK(without_user(text, "alice") == "# top\nother line\nbob:y\n");
    CHECK(without_user(text, "ali") == text + "\n");
}

TEST_CASE("a secret is wiped when it moves or ends") {
    Secret one(as_bytes("abc"));
    Secret two(std::move(one));
    CHECK(as_text(two.bytes()) == "abc");
    CHECK(one.bytes().empty());
    two.clear();
    CHECK(two.bytes().empty());
}

}  // namespace
}  // namespace ledge::auth
