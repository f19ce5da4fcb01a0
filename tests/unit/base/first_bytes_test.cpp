#include "ledge/base/first_bytes.hpp"

#include <doctest/doctest.h>

using namespace ledge;

TEST_CASE("five bytes tell what a peer speaks") {
    const auto of = [](std::string_view text) { return protocol_of(as_bytes(text)); };
    CHECK(of("\x16\x03\x01\x02\x06") == "a TLS ClientHello");
    CHECK(of("GET / HTTP/1.1\r\n") == "an HTTP request");
    CHECK(of("POST ") == "an HTTP request");
    CHECK(of("PRI * HTTP/2.0") == "an HTTP request");
    CHECK(of("PROXY TCP4 192.0.2.1") == "a PROXY header");
    CHECK(of(std::string_view("\r\n\r\n\0\r\nQUIT\n", 12)) == "a PROXY header");
    CHECK(of(std::string_view("\x10\x0c\0\x04MQTT", 8)) == "an MQTT CONNECT");
    CHECK(of("SSH-2.0-OpenSSH") == "an SSH greeting");
}

TEST_CASE("unknown bytes, and too few of them, are nobody's") {
    CHECK(protocol_of({}).empty());
    CHECK(protocol_of(as_bytes("G")).empty());
    CHECK(protocol_of(as_bytes("GETAWAY")).empty());
    CHECK(protocol_of(as_bytes("\x16\x01")).empty());
}
