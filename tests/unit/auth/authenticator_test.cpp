#include "ledge/auth/authenticator.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge::auth {
namespace {

using wire::ReasonCode;

TEST_CASE("where anonymous clients are allowed everybody is, elsewhere nobody") {
    Question question{"c", {}, {}, true};
    CHECK(answer(question) == ReasonCode::success);
    question.user_name = "u";
    CHECK(answer(question) == ReasonCode::success);
    question.password = as_bytes("p");
    CHECK(answer(question) == ReasonCode::success);
    question.is_anonymous_allowed = false;
    CHECK(answer(question) == ReasonCode::bad_user_name_or_password);
    question.user_name.reset();
    CHECK(answer(question) == ReasonCode::not_authorized);
}

TEST_CASE("SASL ANONYMOUS is the method that is built in, by its exact name") {
    CHECK(is_known_method("ANONYMOUS"));
    for (const char* other : {"", "anonymous", "ANONYMOUS ", "PLAIN", "SCRAM-SHA-256"})
        CHECK_FALSE(is_known_method(other));
}

TEST_CASE("its trace is at most 255 characters of UTF-8 and gives no rights") {
    CHECK(answer_anonymous("", true) == ReasonCode::success);
    CHECK(answer_anonymous("sensor 7, cellar", true) == ReasonCode::success);
    CHECK(answer_anonymous("sensor", false) == ReasonCode::not_authorized);
    CHECK(answer_anonymous(std::string(255, 'x'), true) == ReasonCode::success);
    CHECK(answer_anonymous(std::string(256, 'x'), true) == ReasonCode::not_authorized);
    CHECK(answer_anonymous(std::string(1021, 'x'), true) == ReasonCode::not_authorized);
    CHECK(answer_anonymous("\xC0\x80", true) == ReasonCode::not_authorized);
    std::string umlauts;
    for (int i = 0; i < 255; ++i) umlauts += "\xC3\xBC";
    CHECK(answer_anonymous(umlauts, true) == ReasonCode::success);
    CHECK(answer_anonymous(umlauts + "x", true) == ReasonCode::not_authorized);
}

}  // namespace
}  // namespace ledge::auth
