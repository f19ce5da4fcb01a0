#include "proxy_header.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ledge/transport/endpoint.hpp"

namespace ledge::transport {
namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view tcp4 = "PROXY TCP4 203.0.113.9 192.0.2.1 51000 1883\r\n";
constexpr std::string_view tcp6 = "PROXY TCP6 2001:db8::9 2001:db8::1 51000 1883\r\n";
const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

ProxyHeader parse(std::string_view text) { return parse_proxy_header(as_bytes(text)); }

std::string source_of(std::string_view text) {
    const ProxyHeader header = parse(text);
    REQUIRE(header.status == Status::complete);
    return header.has_source ? to_text(header.source) : "the proxy";
}

std::string v2(char command, char family, const std::string& rest) {
    const auto size = static_cast<unsigned>(rest.size());
    return signature + command + family + static_cast<char>(size >> 8U) + static_cast<char>(size & 0xFFU) + rest;
}

const std::string ipv4_addresses("\xCB\x00\x71\x09\xC0\x00\x02\x01\xC7\x38\x07\x5B", 12);
const std::string ipv6_addresses = std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') + "\x09" +
                                   std::string(16, '\1') + std::string("\xC7\x38\x07\x5B", 4);

}  // namespace

TEST_CASE("version 1 names the source") {
    CHECK(source_of(tcp4) == "203.0.113.9:51000");
    CHECK(source_of(tcp6) == "[2001:db8::9]:51000");
    CHECK(source_of("PROXY UNKNOWN\r\n") == "the proxy");
    CHECK(source_of("PROXY UNKNOWN ffff:: whatever 1 2\r\n") == "the proxy");
    CHECK(source_of("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n") == "0.0.0.0:0");
}

TEST_CASE("version 2 names the source") {
    CHECK(source_of(v2('\x21', '\x11', ipv4_addresses)) == "203.0.113.9:51000");
    CHECK(source_of(v2('\x21', '\x21', ipv6_addresses)) == "[2001:db8::9]:51000");
    CHECK(source_of(v2('\x20', '\x00', "")) == "the proxy");
    CHECK(source_of(v2('\x20', '\x11', "anything")) == "the proxy");
    CHECK(source_of(v2('\x21', '\x00', "")) == "the proxy");
    CHECK(source_of(v2('\x21', '\x31', std::string(216, 'p'))) == "the proxy");
}

TEST_CASE("the size is that of the header, whatever follows") {
    CHECK(parse(std::string(tcp4) + "\x10\x0C").size == tcp4.size());
    const std::string with_tlvs = v2('\x21', '\x11', ipv4_addresses + std::string("\x03\x00\x02xx\x04\x00\x00", 8));
    CHECK(parse(with_tlvs + "\x10").size == with_tlvs.size());
}

TEST_CASE("every beginning of a header is unfinished, and nothing else") {
    for (const std::string& whole : {std::string(tcp4), std::string(tcp6), std::string("PROXY UNKNOWN\r\n"),
                                     v2('\x21', '\x11', ipv4_addresses), v2('\x21', '\x21', ipv6_addresses)}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CHECK(parse(std::string_view(whole).substr(0, size)).status == Status::need_more);
        }
        CHECK(parse(whole).status == Status::complete);
    }
}

TEST_CASE("what no proxy sends is wrong") {
    for (const std::string_view text :
         {"\x10", "GET / HTTP/1.1\r\n", "proxy TCP4", "PROXY\r\n", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "PROXY \r\n",
          "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n",
          "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
          "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 -1\r\n",
          "PROXY TCP4 ::1 1.2.3.4 1 1\r\n", "PROXY TCP6 1.2.3.4 ::1 1 1\r\n", "PROXY TCP4 1.2.3.4 ::1 1 1\r\n"}) {
        INFO(text);
        CHECK(parse(text).status == Status::wrong);
    }
    CHECK(parse("PROXY TCP4 " + std::string(200, '1')).status == Status::wrong);
    CHECK(parse("PROXY UNKNOWN " + std::string(ProxyHeader::v1_bytes_max - 16, 'x') + "\r\n").status ==
          Status::complete);
    CHECK(parse("PROXY UNKNOWN " + std::string(ProxyHeader::v1_bytes_max - 15, 'x') + "\r\n").status == Status::wrong);
}

TEST_CASE("version 2: other versions, commands, families, lengths and broken TLVs are wrong") {
    const std::vector<std::string> headers = {
        v2('\x11', '\x11', ipv4_addresses),                                   // version 1 of the binary form
        v2('\x22', '\x11', ipv4_addresses),                                   // a command nobody knows
        v2('\x21', '\x12', ipv4_addresses),                                   // datagrams
        v2('\x21', '\x41', ipv4_addresses),                                   // a family nobody knows
        v2('\x21', '\x11', ipv4_addresses.substr(1)),                         // addresses cut
        v2('\x21', '\x21', ipv4_addresses),                                   // IPv4 addresses called IPv6
        v2('\x21', '\x11', ipv4_addresses + "\x01"),                          // half a TLV
        v2('\x21', '\x11', ipv4_addresses + std::string("\x01\x00\x05", 3)),  // a TLV that is longer than the rest
    };
    for (const std::string& header : headers) CHECK(parse(header).status == Status::wrong);
    std::string long_one = v2('\x21', '\x11', "");
    long_one[14] = '\x08';  // 2049 bytes are announced: refused before they come
    long_one[15] = '\x01';
    CHECK(parse(long_one).status == Status::wrong);
    long_one[15] = '\x00';
    CHECK(parse(long_one).status == Status::need_more);
}

}  // namespace ledge::transport
