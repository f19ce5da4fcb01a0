#include "web/http_text.hpp"

#include <doctest/doctest.h>

namespace ledge::transport {

TEST_CASE("an answer has its length, also where the body is left out") {
    const HttpAnswer answer{.content_type = "application/json", .body = "{}\n"};
    CHECK(format_http(answer, false, true) ==
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\nConnection: keep-alive\r\n"
          "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n{}\n");
    const std::string head = format_http(answer, true, false);
    CHECK(head.ends_with("\r\n\r\n"));
    CHECK(head.find("Content-Length: 3\r\n") != std::string::npos);
    CHECK(head.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("statuses bring the headers that they ask for") {
    CHECK(format_http(http_error(405), false, false).find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    CHECK(format_http(http_error(401), false, true).find("\r\nWWW-Authenticate: Bearer\r\n") != std::string::npos);
    const std::string upgrade = format_http(http_error(426), false, false);
    CHECK(upgrade.find("\r\nUpgrade: websocket\r\n") != std::string::npos);
    CHECK(upgrade.find("\r\nConnection: upgrade, close\r\n") != std::string::npos);
}

TEST_CASE("an answer has the fields of its handler, which cannot add lines") {
    HttpAnswer answer{.status = 405, .etag = "\"1\"", .fields = {{"Allow", "PUT"}, {"X-Test", "a\r\nb: c"}}};
    const std::string text = format_http(answer, false, true);
    CHECK(text.find("\r\nAllow: PUT\r\n") != std::string::npos);
    CHECK(text.find("GET, HEAD") == std::string::npos);
    CHECK(text.find("\r\nX-Test: ab: c\r\n") != std::string::npos);
    CHECK(text.find("\r\nETag: \"1\"\r\n") != std::string::npos);
}

TEST_CASE("204 and 304 have no content, and no length") {
    for (const std::uint16_t status : {std::uint16_t{204}, std::uint16_t{304}}) {
        const std::string text = format_http({.status = status, .body = "x"}, false, true);
        CHECK(text.ends_with("\r\n\r\n"));
        CHECK(text.find("Content-Length") == std::string::npos);
    }
}

TEST_CASE("an entity tag is found in a list, and * is any") {
    CHECK(has_tag("\"a\", W/\"b\"", "\"b\""));
    CHECK(has_tag("*", "\"b\""));
    CHECK_FALSE(has_tag("\"ab\"", "\"b\""));
    CHECK_FALSE(has_tag("", "\"b\""));
    CHECK_FALSE(has_tag("\"a\"", ""));
}

TEST_CASE("an error says its name and why") {
    CHECK(http_error(404).body ==
          "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"\"}\n");
    CHECK(http_error(400, "one Host is wanted", "host").body ==
          "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"one Host is wanted\","
          "\"field\":\"host\"}\n");
    CHECK(http_error(599).body.find("Internal Server Error") != std::string::npos);
}

}  // namespace ledge::transport
