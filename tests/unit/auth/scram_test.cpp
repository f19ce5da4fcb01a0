#include "ledge/auth/scram.hpp"

#include <doctest/doctest.h>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/exchange.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/base64.hpp"

namespace ledge::auth {
namespace {

using Kind = ScramExchange::Reply::Kind;

// RFC 7677 section 3: user "user", password "pencil".
constexpr std::string_view client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

PasswordHash pencil() {
    return make_scram_keys(as_bytes("pencil"), as_bytes(*decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==")), 4096);
}

PasswordFile users() {
    std::string text = with_password("", "user", pencil());
    text = with_password(text, "old", hash_password(as_bytes("pencil"), as_bytes("twelve bytes"), 1));
    auto file = PasswordFile::parse(text);
    REQUIRE(file.ok());
    return std::move(*file);
}

TEST_CASE("the example of RFC 7677 section 3") {
    ScramExchange exchange;
    const auto first = exchange.on_message(users(), client_first, server_nonce);
    CHECK(first.kind == Kind::challenge);
    CHECK(first.data == server_first);
    CHECK(exchange.user() == "user");
    const auto last = exchange.on_message(users(), client_final, "other");
    CHECK(last.kind == Kind::success);
    CHECK(last.data == server_final);
}

TEST_CASE("keys go through their text, which is PostgreSQL's, and serve a login by password too") {
    const std::string text = to_text(pencil());
    CHECK(text.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"));
    const auto again = parse_password_hash(text);
    REQUIRE(again);
    CHECK(*again == pencil());
    CHECK(is_right(*again, as_bytes("pencil")));
    CHECK_FALSE(is_right(*again, as_bytes("pencils")));
    for (const char* wrong :
         {"SCRAM-SHA-256$", "SCRAM-SHA-256$0:QQ==$x:y", "SCRAM-SHA-256$4096:QQ==$QQ==:QQ==", "SCRAM-SHA-1$1:QQ==$x:y"})
        CHECK_FALSE(parse_password_hash(wrong));
    CHECK_FALSE(parse_password_hash(text.substr(0, text.size() - 4)));
    CHECK_FALSE(parse_password_hash(text + ":"));
    CHECK(is_scram_password(as_bytes("a b~!")));
    CHECK_FALSE(is_scram_password(as_bytes("p\xC3\xA4")));
    CHECK_FALSE(is_scram_password(as_bytes("a\tb")));
}

TEST_CASE("every other proof, nonce, binding and user fails") {
    const auto after_first = [](std::string_view final, std::string_view first = client_first) {
        ScramExchange exchange;
        REQUIRE(exchange.on_message(users(), first, server_nonce).kind == Kind::challenge);
        return exchange.on_message(users(), final, "").kind;
    };
    std::string proof(client_final);
    for (const char other : {'e', 'D', '0'}) {
        proof[proof.find(",p=") + 3] = other;
        CHECK(after_first(proof) == Kind::wrong);
    }
    for (const char* rest : {"", "QQ==", "!", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"})
        CHECK(after_first(std::string(client_final.substr(0, client_final.find(",p=") + 3)) + rest) == Kind::wrong);
    CHECK(after_first(client_final, "n,,n=eve,r=rOprNGfwEbeRWgbNEkqO") == Kind::wrong);
    CHECK(after_first(client_final, "n,,n=old,r=rOprNGfwEbeRWgbNEkqO") == Kind::wrong);  // has another kind of hash
    std::string bound(client_final);
    CHECK(after_first(bound.replace(2, 4, "eSws")) == Kind::malformed);  // "y,,", but the first message has said "n"
    CHECK(after_first(bound, "y,,n=user,r=rOprNGfwEbeRWgbNEkqO") == Kind::wrong);  // the proof covers it
    CHECK(after_first("c=biws,r=rOprNGfwEbeRWgbNEkqO,p=QQ==") == Kind::malformed);
    CHECK(after_first("c=biws") == Kind::malformed);
    CHECK(after_first("") == Kind::malformed);
}

TEST_CASE("first messages that ask for what is not there") {
    for (const char* wrong :
         {"", "n", "n,", "n,,", "n,,n=user", "n,,r=x", "x,,n=user,r=x", "p=tls-unique,,n=user,r=x", "n,,m=a,n=user,r=x",
          "n,a=other,n=user,r=x", "n,,n=,r=x", "n,,n=us=er,r=x", "n,,n=a=2,r=x", "n,,n=user,r=", "n,,n=user,r=a b",
          "n,,n=us\x01"
          "er,r=x",
          "n,,n=us\xFF,r=x", "n,b,n=user,r=x"}) {
        ScramExchange exchange;
        CHECK_MESSAGE(exchange.on_message(users(), wrong, "s").kind == Kind::malformed, wrong);
    }
    ScramExchange exchange;
    CHECK(exchange.on_message(users(), "n,,n=user,r=" + std::string(5000, 'x'), "s").kind == Kind::malformed);
    CHECK(exchange.on_message(users(), "n,a=user,n=user,r=x,future=1", "s").kind == Kind::challenge);
    ScramExchange escaped;
    CHECK(escaped.on_message(users(), "y,,n=a=2Cb=3Dc,r=x", "s").kind == Kind::challenge);
    CHECK(escaped.user() == "a,b=c");
}

TEST_CASE("an unknown user is answered like a known one: the same salt each time, the usual iterations") {
    const auto answer = [](const std::string& user) {
        ScramExchange exchange;
        return exchange.on_message(users(), "n,,n=" + user + ",r=c", "s").data;
    };
    for (const char* user : {"eve", "mallory", "old"}) {
        CHECK(answer(user) == answer(user));
        CHECK(answer(user).size() == answer("user").size());
        CHECK(answer(user).starts_with("r=cs,s="));
        CHECK(answer(user).ends_with(",i=4096"));
    }
    CHECK(answer("eve") != answer("mallory"));
    PasswordHash costly = pencil();
    costly.iterations = 9999;
    costly.salt_size = 5;
    const auto file = PasswordFile::parse(with_password("", "a", costly));
    CHECK(file->scram_decoy("eve").iterations == 9999);
    CHECK(file->scram_decoy("eve").salt_size == 5);
    CHECK(PasswordFile::parse("")->scram_decoy("eve").salt_size == 16);
}

TEST_CASE("methods are known where somebody can prove something with them") {
    Policy policy;
    CHECK(Exchange::start(policy, "ANONYMOUS"));
    CHECK_FALSE(Exchange::start(policy, "SCRAM-SHA-256"));
    policy.passwords = users();
    CHECK(Exchange::start(policy, "SCRAM-SHA-256"));
    for (const char* other : {"", "anonymous", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "PLAIN"})
        CHECK_FALSE(Exchange::start(policy, other));
}

TEST_CASE("nonces differ although only chance does, and hang on the secret of the run") {
    Policy policy;
    policy.passwords = users();
    Rng rng(1);
    const auto nonce = [&] {
        auto exchange = Exchange::start(policy, "SCRAM-SHA-256");
        const std::string data = exchange->on_message(policy, "n,,n=user,r=c", false, rng).data;
        return data.substr(3, data.find(',') - 3);
    };
    const std::string first = nonce();
    CHECK(first.size() == 24);
    CHECK(nonce() != first);
    rng = Rng(1);
    CHECK(nonce() == first);
    rng = Rng(1);
    policy.nonce_key[0] = 1;
    CHECK(nonce() != first);
}

}  // namespace
}  // namespace ledge::auth
