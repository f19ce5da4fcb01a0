#include "ledge/uplink/ws_client.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ws_script.hpp"

namespace ledge::uplink {
namespace {

using bridge::RetryClass;
using State = WsClient::State;

/// A client that has made its request, and the server's side by hand.
struct Talk {
    explicit Talk(const Server& server = {"broker.example", 80, false, "/mqtt"}) : client(server, io) {
        request = sends();
    }

    /// What the client sends, which is all accepted.
    std::string sends() {
        std::string bytes(as_text(client.output()));
        if (!bytes.empty()) client.sent(bytes.size());
        return bytes;
    }
    std::vector<WsFrame> frames() {
        unparsed += sends();
        std::vector<WsFrame> all;
        while (auto frame = ws_take_frame(unparsed)) all.push_back(std::move(*frame));
        return all;
    }
    /// Gives the client bytes of the server, in pieces of at most `piece` bytes, as long as it wants any. Returns the
    /// number of the given bytes.
    std::size_t gives(std::string_view bytes, std::size_t piece = 100'000) {
        std::size_t given = 0;
        while (given < bytes.size()) {
            const std::span<Byte> room = client.room();
            const std::size_t count = std::min({room.size(), bytes.size() - given, piece});
            if (count == 0) break;
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(given), count, room.begin());
            client.received(count);
            given += count;
        }
        return given;
    }
    void opens() {
        gives(ws_accepting(request));
        REQUIRE(client.state() == State::open);
    }
    std::string reads(std::size_t bytes_max = 100'000) {
        std::string into(bytes_max, '\0');
        into.resize(client.read(std::span(reinterpret_cast<Byte*>(into.data()), into.size())));
        return into;
    }
    bool says(std::string_view text) const { return client.reason().find(text) != std::string::npos; }

    boost::asio::io_context io{1};
    WsClient client;
    std::string request;
    std::string unparsed;
};

std::string answer(std::string_view status, std::string_view fields = "") {
    return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) + "Content-Length: 5000000000\r\n\r\nsorry";
}

// ---------------------------------------------------------------------------------------------------------------------
// The request and its answer

TEST_CASE("[MQTT-6.0.0-3] the request asks for the path and offers the subprotocol mqtt") {
    Talk talk;
    CHECK(talk.request.starts_with("GET /mqtt HTTP/1.1\r\n"));
    CHECK(talk.request.ends_with("\r\n\r\n"));
    for (const char* field :
         {"\r\nHost: broker.example\r\n", "\r\nUpgrade: websocket\r\n", "\r\nConnection: upgrade\r\n",
          "\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Protocol: mqtt\r\n"})
        CHECK_MESSAGE(talk.request.find(field) != std::string::npos, field);
    CHECK(talk.request.find("Extensions") == std::string::npos);
    CHECK(talk.client.state() == State::opening);
    CHECK_FALSE(talk.client.has_unsent());
    CHECK(talk.client.write(as_bytes("x")) == 0);
}

TEST_CASE("the Host field has the port unless it is the usual one, and brackets around IPv6") {
    const auto host = [](const Server& server) {
        const Talk talk(server);
        const std::string rest = talk.request.substr(talk.request.find("Host: ") + 6);
        return rest.substr(0, rest.find('\r'));
    };
    CHECK(host({"gw", 8080, false, "/"}) == "gw:8080");
    CHECK(host({"gw", 443, true, "/"}) == "gw");
    CHECK(host({"gw", 80, true, "/"}) == "gw:80");
    CHECK(host({"2001:db8::1", 9001, false, "/"}) == "[2001:db8::1]:9001");
}

TEST_CASE("an answer in single bytes opens the connection") {
    Talk talk;
    const std::string text = ws_accepting(talk.request);
    CHECK(talk.gives(text.substr(0, text.size() - 1), 1) == text.size() - 1);
    CHECK(talk.client.state() == State::opening);
    talk.gives(text.substr(text.size() - 1));
    CHECK(talk.client.state() == State::open);
}

TEST_CASE("frames directly behind the answer are read") {
    Talk talk;
    const std::string many(9000, 'x');  // more than Beast has room for in its handshake
    talk.gives(ws_accepting(talk.request) + ws_frame(ws_binary, "hello") + ws_frame(ws_binary, many));
    CHECK(talk.client.has_unread());
    CHECK(talk.reads() == "hello" + many);
}

TEST_CASE("every answer without MQTT over WebSocket is an end that says what to check") {
    struct Row {
        std::string answer;
        std::string_view says;
        RetryClass next;
    };
    constexpr RetryClass wrong = RetryClass::operator_needed;
    const std::string no_upgrade = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    const Row rows[] = {
        {answer("404 Nothing"), "no WebSocket at the path /mqtt: HTTP 404 Not Found; check the path of the url", wrong},
        {answer("404 Nothing"), "/ws for RabbitMQ", wrong},
        {answer("200 OK"), "HTTP 200 OK; check the path", wrong},
        {answer("799 What"), "HTTP 799", RetryClass::network},
        {answer("400 Bad"), "HTTP 400 Bad Request; check the path, and whether the port needs wss://", wrong},
        {answer("401 Who"), "HTTP 401 Unauthorized; a login by HTTP", wrong},
        {answer("301 Moved", "Location: wss://other.example/mqtt\r\n"),
         "the server redirects to \"wss://other.example/mqtt\"", wrong},
        {answer("302 Found", "Location: /\xff\r\n"), "redirects to \"/?\"", wrong},
        {answer("503 Later"), "HTTP 503 Service Unavailable", RetryClass::network},
        {answer("429 Slow"), "HTTP 429", RetryClass::network},
        {no_upgrade, "the server's answer to the WebSocket request is wrong", wrong},
        {ws_accepting("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
         "the server's answer to the WebSocket request is wrong", wrong},
        {"INFO {\"server_id\":\"N\"}\r\n", "\"INFO {\\\"server_id\" (the server speaks the NATS protocol", wrong},
        {std::string("\x15\x03\x03\x00\x02\x02\x0a", 7), "this is a TLS port", wrong},
        {std::string("\x20\x02\x00\x00", 4), "does not answer in HTTP", wrong},
        {"HTTP/1.1 101 Switching Protocols\r\nLong: " + std::string(20'000, 'x'), "too long", wrong},
        {"HTTP/1.1 101 Switching Protocols\r\nno field\r\n\r\n", "the server's HTTP answer is malformed", wrong},
    };
    for (const Row& row : rows) {
        CAPTURE(row.answer.substr(0, 100));
        Talk talk;
        talk.gives(row.answer);
        CHECK(talk.client.state() == State::ended);
        CAPTURE(talk.client.reason());
        CHECK(talk.says(row.says));
        CHECK(talk.client.retry_class() == row.next);
        CHECK_FALSE(talk.client.is_ended_by_peer());
        CHECK(talk.client.room().empty());
        CHECK(talk.client.write(as_bytes("x")) == 0);
    }
}

TEST_CASE("[MQTT-6.0.0-4] a server that chooses another subprotocol, or none, is refused") {
    Talk talk;
    std::string_view expected;
    SUBCASE("none") {
        talk.gives(ws_accepting(talk.request, ""));
        expected = "the subprotocol of its answer is missing";
    }
    SUBCASE("another one") {
        talk.gives(ws_accepting(talk.request, "chat"));
        expected = "the subprotocol of its answer is \"chat\" instead of \"mqtt\"";
    }
    CHECK(talk.client.state() == State::ended);
    CHECK(talk.says(expected));
}

// ---------------------------------------------------------------------------------------------------------------------
// Frames

TEST_CASE("[MQTT-6.0.0-1] own bytes leave in binary frames, which are final and masked") {
    Talk talk;
    talk.opens();
    CHECK(talk.client.write(as_bytes("hello")) == 5);
    CHECK(talk.client.has_unsent());
    const std::string bytes(as_text(talk.client.output()));
    CHECK(bytes.find("hello") == std::string::npos);
    const auto frames = talk.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == ws_binary);
    CHECK(frames[0].is_final);
    CHECK(frames[0].is_masked);
    CHECK(frames[0].payload == "hello");
    CHECK_FALSE(talk.client.has_unsent());
}

TEST_CASE("[RFC 6455 section 5.3] the masks of many frames do not repeat") {
    Talk talk;
    talk.opens();
    std::set<std::string> masks;
    constexpr std::size_t frames = 200;
    for (std::size_t i = 0; i < frames; ++i) {
        CHECK(talk.client.write(as_bytes("x")) == 1);
        masks.insert(talk.sends().substr(2, 4));
    }
    CHECK(masks.size() >= frames - 1);  // two of 200 are equal by chance once in 200,000 runs
}

TEST_CASE("many bytes leave in frames of 16 KiB, and the next frame waits until there is room") {
    Talk talk;
    talk.opens();
    const std::string many(100'000, 'x');
    CHECK(talk.client.write(as_bytes(many)) == WsClient::frame_bytes_max);
    CHECK(talk.client.write(as_bytes(many)) == 0);
    CHECK(talk.client.output().size() < WsClient::frame_bytes_max + 16);
    std::string got;
    std::size_t sent = WsClient::frame_bytes_max;
    while (true) {
        for (const WsFrame& frame : talk.frames()) got += frame.payload;
        if (sent == many.size()) break;
        sent += talk.client.write(as_bytes(many).subspan(sent));
    }
    CHECK(got == many);
}

TEST_CASE("[MQTT-6.0.0-2] MQTT is one stream of bytes, whatever the frames are") {
    Talk talk;
    talk.opens();
    std::string frames;
    SUBCASE("one byte per frame") {
        for (const char c : std::string_view("hello")) frames += ws_frame(ws_binary, {&c, 1});
    }
    SUBCASE("fragments, a ping between them, and empty frames") {
        frames = ws_frame(ws_binary, "he", false) + ws_frame(ws_ping, "p") + ws_frame(ws_more, "", false) +
                 ws_frame(ws_more, "llo") + ws_frame(ws_binary, "") + ws_frame(ws_pong, "unasked");
    }
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, frames.size()}) {
        CHECK(talk.gives(frames, piece) == frames.size());
        CHECK(talk.reads(3) == "hel");
        CHECK(talk.reads() == "lo");
        CHECK_FALSE(talk.client.has_unread());
    }
}

TEST_CASE("a large frame is read piece by piece, and bytes that nobody reads hold up the stream") {
    Talk talk;
    talk.opens();
    std::string payload;
    while (payload.size() < 300'000) payload += std::to_string(payload.size());
    const std::string frame = ws_frame(ws_binary, payload);
    std::size_t given = talk.gives(frame);
    CHECK(given < 40'000);
    CHECK(talk.client.room().empty());
    std::string got;
    while (got.size() < payload.size()) {
        const std::string piece = talk.reads(7000);
        REQUIRE(!piece.empty());
        got += piece;
        given += talk.gives(std::string_view(frame).substr(given));
    }
    CHECK(got == payload);
    CHECK_FALSE(talk.client.room().empty());
}

TEST_CASE("a ping is answered by a pong with the same payload, also between own frames") {
    Talk talk;
    talk.opens();
    CHECK(talk.client.write(as_bytes("hello")) == 5);
    talk.gives(ws_frame(ws_ping, "are you there"));
    const auto frames = talk.frames();
    REQUIRE(frames.size() == 2);
    CHECK(frames[1].opcode == ws_pong);
    CHECK(frames[1].is_masked);
    CHECK(frames[1].payload == "are you there");
    CHECK(talk.client.read({}) == 0);
}

TEST_CASE("a flood of pings is not read any more while the pongs are not sent") {
    Talk talk;
    talk.opens();
    std::string pings;
    while (pings.size() < 500'000) pings += ws_frame(ws_ping, "x");
    std::size_t given = talk.gives(pings);
    CHECK(given < pings.size() / 4);
    CHECK(talk.client.room().empty());
    CHECK(talk.client.output().size() < 20'000);
    CHECK(talk.client.write(as_bytes("x")) == 0);
    while (given < pings.size()) {
        REQUIRE(!talk.frames().empty());
        given += talk.gives(std::string_view(pings).substr(given));
    }
    while (!talk.frames().empty()) {
    }
    CHECK(talk.client.write(as_bytes("x")) == 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

TEST_CASE("a close frame of the server ends the connection after the bytes before it, and is answered") {
    Talk talk;
    talk.opens();
    std::string_view expected;
    SUBCASE("with a reason") {
        talk.gives(ws_frame(ws_binary, "bye") + ws_frame(ws_close, ws_close_payload(1001, "restart")));
        expected = "the server has closed the WebSocket with code 1001: \"restart\"";
    }
    SUBCASE("without one") {
        talk.gives(ws_frame(ws_binary, "bye") + ws_frame(ws_close, ""));
        expected = "the server has closed the WebSocket";
    }
    CHECK(talk.client.state() == State::ended);
    CHECK(talk.client.reason() == expected);
    CHECK(talk.client.is_ended_by_peer());
    CHECK(talk.reads() == "bye");
    const auto frames = talk.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == ws_close);
}

TEST_CASE("[MQTT-6.0.0-1] a text frame closes the connection, and a greeting of NATS is recognised") {
    Talk talk;
    talk.opens();
    talk.gives(ws_frame(ws_text, "INFO {\"server_id\""));
    CHECK(talk.client.state() == State::ended);
    CHECK(talk.says("text frames"));
    CHECK(talk.says("the server speaks the NATS protocol"));
    CHECK_FALSE(talk.client.is_ended_by_peer());
    CHECK(talk.reads() == "");
    const auto frames = talk.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload == ws_close_payload(1003));
}

TEST_CASE("frames that violate RFC 6455 close the connection") {
    Talk talk;
    talk.opens();
    SUBCASE("a masked frame of the server") {
        talk.gives("\x82\x81");
        talk.gives("\x01\x02\x03\x04x");
    }
    SUBCASE("a reserved bit") { talk.gives("\xC2\x01x"); }
    SUBCASE("an unknown opcode") { talk.gives("\x83\x01x"); }
    SUBCASE("a ping in fragments") { talk.gives(ws_frame(ws_ping, "x", false)); }
    SUBCASE("a continuation of nothing") { talk.gives(ws_frame(ws_more, "x")); }
    SUBCASE("a close frame of one byte") { talk.gives(ws_frame(ws_close, "x")); }
    CHECK(talk.client.state() == State::ended);
    CHECK(talk.says("the server violates the WebSocket protocol: "));
    const auto frames = talk.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == ws_close);
    CHECK(frames[0].payload.starts_with(ws_close_payload(1002)));
}

TEST_CASE("close() sends a close frame behind the last bytes") {
    Talk talk;
    talk.opens();
    CHECK(talk.client.write(as_bytes("bye")) == 3);
    talk.client.close();
    talk.client.close();
    CHECK(talk.client.state() == State::ended);
    const auto frames = talk.frames();
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload == "bye");
    CHECK(frames[1].opcode == ws_close);
    CHECK(frames[1].payload == ws_close_payload(1000));
}

TEST_CASE("close() during the request sends nothing") {
    Talk talk;
    talk.client.close();
    CHECK(talk.client.state() == State::opening);
    CHECK(talk.client.output().empty());
}

}  // namespace
}  // namespace ledge::uplink
