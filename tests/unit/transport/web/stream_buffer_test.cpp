#include "web/stream_buffer.hpp"

#include <doctest/doctest.h>

namespace ledge::transport {

TEST_CASE("pieces are sent as chunks, the head before them and the mark of the end behind") {
    StreamBuffer buffer("HEAD", true, 1000);
    CHECK(buffer.write("abc"));
    CHECK(buffer.write(""));  // an empty chunk would be the end
    CHECK(buffer.begin_send() == "HEAD3\r\nabc\r\n");
    CHECK(buffer.write("0123456789abcdef"));
    CHECK(buffer.is_sending());
    buffer.sent();
    CHECK(buffer.begin_send() == "10\r\n0123456789abcdef\r\n");
    buffer.sent();
    CHECK(buffer.empty());
    buffer.end();
    CHECK_FALSE(buffer.write("x"));
    CHECK(buffer.begin_send() == "0\r\n\r\n");
}

TEST_CASE("without chunks the end of the connection is the end of the answer") {
    StreamBuffer buffer("", false, 1000);
    CHECK(buffer.write("abc"));
    buffer.end();
    CHECK(buffer.begin_send() == "abc");
    buffer.sent();
    CHECK(buffer.begin_send().empty());
}

TEST_CASE("a stream buffer is bounded, bytes that are being sent included") {
    StreamBuffer buffer("", true, 100);
    const std::size_t room = buffer.room();
    CHECK(room < 100);
    CHECK_FALSE(buffer.write(std::string(room + 1, 'x')));
    CHECK(buffer.write(std::string(room, 'x')));
    CHECK(buffer.room() == 0);
    buffer.begin_send();
    CHECK(buffer.room() == 0);
    buffer.sent();
    CHECK(buffer.room() == room);
}

}  // namespace ledge::transport
