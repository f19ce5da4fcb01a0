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

TEST_CASE("an error says its name and why") {
    CHECK(http_error(404).body == "404 Not Found\n");
    CHECK(http_error(400, "one Host is wanted").body == "400 Bad Request: one Host is wanted\n");
    CHECK(http_error(599).body == "599 Internal Server Error\n");
}

}  // namespace ledge::transport
