// Compression of a bridge's WebSocket: what is offered and agreed, and both directions, beside a server by hand.
#include "ws_deflate.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/beast/zlib/inflate_stream.hpp>
#include <string>
#include <string_view>

#include "ledge/base/rng.hpp"
#include "ledge/uplink/ws_client.hpp"
#include "ws_script.hpp"

namespace ledge::uplink {
namespace {

namespace zlib = boost::beast::zlib;
using State = WsClient::State;

constexpr std::uint8_t compressed = 0x40;  // RSV1, beside the opcode
constexpr std::string_view sync_end("\x00\x00\xff\xff", 4);

/// The server's compressor; its window stays from message to message.
class Deflater {
public:
    explicit Deflater(int bits = 15) { stream_.reset(8, bits, 8, zlib::Strategy::normal); }
    std::string message(std::string_view text) {
        std::string out(text.size() * 2 + 100, '\0');
        zlib::z_params at;
        at.next_in = text.data();
        at.avail_in = text.size();
        at.next_out = out.data();
        at.avail_out = out.size();
        boost::system::error_code error;
        stream_.write(at, zlib::Flush::sync, error);
        REQUIRE(at.avail_in == 0);
        out.resize(at.total_out);
        REQUIRE(out.ends_with(sync_end));
        return out.substr(0, out.size() - sync_end.size());
    }

private:
    zlib::deflate_stream stream_;
};

class Inflater {
public:
    explicit Inflater(int bits) { stream_.reset(bits); }
    std::string message(const std::string& payload) {
        const std::string all = payload + std::string(sync_end);
        std::string out(1'000'000, '\0');
        zlib::z_params at;
        at.next_in = all.data();
        at.avail_in = all.size();
        at.next_out = out.data();
        at.avail_out = out.size();
        boost::system::error_code error;
        stream_.write(at, zlib::Flush::sync, error);
        REQUIRE_MESSAGE(at.avail_in == 0, error.message());
        out.resize(at.total_out);
        return out;
    }

private:
    zlib::inflate_stream stream_;
};

/// A client that has made its request, and the server's side by hand.
struct DeflateTalk {
    explicit DeflateTalk(std::uint64_t expanded_bytes_max = 1'000'000)
        : client({"broker.example", 80, false, "/mqtt", expanded_bytes_max}, io) {
        request = sends();
    }
    std::string sends() {
        std::string bytes(as_text(client.output()));
        if (!bytes.empty()) client.sent(bytes.size());
        return bytes;
    }
    /// Returns the number of the bytes that the client has taken.
    std::size_t gives(std::string_view bytes) {
        std::size_t given = 0;
        while (given < bytes.size()) {
            const std::span<Byte> room = client.room();
            const std::size_t count = std::min(room.size(), bytes.size() - given);
            if (count == 0) break;
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(given), count, room.begin());
            client.received(count);
            given += count;
        }
        return given;
    }
    /// The answer 101 with this value of Sec-WebSocket-Extensions.
    void answers(const std::string& extensions) {
        std::string text = ws_accepting(request);
        text.insert(text.size() - 2, "Sec-WebSocket-Extensions: " + extensions + "\r\n");
        gives(text);
    }
    std::vector<WsFrame> writes(std::string_view text) {
        REQUIRE(client.write(as_bytes(text)) == text.size());
        std::string bytes = sends();
        std::vector<WsFrame> frames;
        while (auto frame = ws_take_frame(bytes)) frames.push_back(std::move(*frame));
        CHECK(bytes.empty());
        return frames;
    }
    /// What follows may be compressed.
    void is_accepted() {
        writes("CONNECT");
        gives(ws_frame(ws_binary, "CONNACK"));
        CHECK(reads() == "CONNACK");
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
};

const std::string topic = "plant/hall-3/line-12/press-7/temperature";

// ---------------------------------------------------------------------------------------------------------------------
// The offer and the answer

TEST_CASE("[RFC 7692 section 5.1] an answer may agree to what was offered, and to nothing else") {
    const std::string name = "permessage-deflate";
    struct Row {
        std::string answer;
        std::string_view says;  // the agreement, or a part of the mistake
        bool is_agreed = false;
    };
    const Row rows[] = {
        {name, "server_max_window_bits=15; client_max_window_bits=12", true},
        {"Permessage-Deflate ;Client_Max_Window_Bits = 10", "server_max_window_bits=15; client_max_window_bits=10",
         true},
        {name + "; client_max_window_bits=\"9\"", "client_max_window_bits=9", true},
        {name + "; server_max_window_bits=8", "server_max_window_bits=9", true},  // more memory than needed
        {name + "; server_no_context_takeover; client_no_context_takeover",
         "bits=12; server_no_context_takeover; client_no_context_takeover", true},
        {name + "; server_max_window_bits=10;client_no_context_takeover",
         "server_max_window_bits=10; client_max_window_bits=12; client_no_context_takeover", true},
        {name + "; client_max_window_bits=13", "above the offered 12"},
        {name + "; client_max_window_bits=8", "not supported"},
        {name + "; client_max_window_bits", "is not 8 to 15"},
        {name + "; server_max_window_bits", "is not 8 to 15"},
        {name + "; server_max_window_bits=16", "is not 8 to 15"},
        {name + "; server_max_window_bits=7", "is not 8 to 15"},
        {name + "; server_max_window_bits=012", "is not 8 to 15"},
        {name + "; server_max_window_bits=\"\"", "is not 8 to 15"},
        {name + "; server_max_window_bits=9x", "is not 8 to 15"},
        {name + "; server_max_window_bits=-9", "is not 8 to 15"},
        {name + "; server_max_window_bits=10; server_max_window_bits=10", "comes twice"},
        {name + "; server_no_context_takeover; server_no_context_takeover", "comes twice"},
        {name + "; server_no_context_takeover=1", "has a value"},
        {name + "; level=9", "the parameter \"level\" is unknown"},
        {name + ";; client_no_context_takeover", "is unknown"},
        {name + ", " + name, "more than one WebSocket extension"},
        {name + ", x-other", "more than one WebSocket extension"},
        {"x-webkit-deflate-frame", "extension \"x-webkit-deflate-frame\", which was not offered"},
        {", " + name, "which was not offered"},
        {std::string(2000, 'x'), "which was not offered"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.answer);
        const auto read = read_deflate_answer(row.answer, true);
        REQUIRE(read.ok() == row.is_agreed);
        if (row.is_agreed) REQUIRE(read->has_value());
        const std::string text = row.is_agreed ? to_text(**read) : read.error();
        CAPTURE(text);
        CHECK(text.find(row.says) != std::string::npos);
        CHECK(text.size() < 200);
        CHECK_FALSE(read_deflate_answer(row.answer, false).ok());
    }
    for (const bool is_offered : {true, false}) {
        for (const char* nothing : {"", "  "}) {
            const auto read = read_deflate_answer(nothing, is_offered);
            REQUIRE(read.ok());
            CHECK_FALSE(read->has_value());
        }
    }
}

TEST_CASE("compression is offered only if it is wanted, with the window of the client") {
    const DeflateTalk wanted;
    CHECK(wanted.request.find("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n") !=
          std::string::npos);
    const DeflateTalk unwanted(0);
    CHECK(unwanted.request.find("Extensions") == std::string::npos);
}

TEST_CASE("[RFC 7692 section 5.1] a wrong answer about compression ends the connection with a reason") {
    std::string_view expected = "which was not offered";
    DeflateTalk talk;
    SUBCASE("parameters that were not offered") {
        talk.answers("permessage-deflate; client_max_window_bits=15");
        expected = "the server's answer about compression was not offered: client_max_window_bits is above";
    }
    SUBCASE("another extension") { talk.answers("x-gzip"); }
    SUBCASE("in two fields") {
        talk.answers("permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate");
        expected = "more than one WebSocket extension";
    }
    CHECK(talk.client.state() == State::ended);
    CAPTURE(talk.client.reason());
    CHECK(talk.says(expected));
    CHECK(talk.client.retry_class() == bridge::RetryClass::operator_needed);
    CHECK(talk.client.write(as_bytes("x")) == 0);
}

TEST_CASE("[RFC 6455 section 4.1] an extension that was not offered ends the connection") {
    DeflateTalk talk(0);
    talk.answers("permessage-deflate");
    CHECK(talk.client.state() == State::ended);
    CHECK(talk.says("which was not offered"));
}

// ---------------------------------------------------------------------------------------------------------------------
// Messages

TEST_CASE("agreed, messages are compressed from the answer to CONNECT on, and later ones are shorter") {
    DeflateTalk talk;
    std::string answer = "permessage-deflate";
    SUBCASE("the server has no limit for the window") {}
    SUBCASE("with the offered window") { answer += "; client_max_window_bits=12"; }
    SUBCASE("with a smaller one") { answer += "; client_max_window_bits=9"; }
    talk.answers(answer);
    REQUIRE(talk.client.state() == State::open);
    CHECK(talk.client.is_compressed());
    // CONNECT has the password: its length in compressed form would tell how much of it others have guessed.
    const std::string connect = "CONNECT with user and password, longer than the smallest compressed message";
    auto frames = talk.writes(connect);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == ws_binary);
    CHECK(frames[0].payload == connect);
    // A long password does not fit in one message.
    CHECK(talk.writes(connect).at(0).opcode == ws_binary);
    talk.gives(ws_frame(ws_binary, "CONNACK"));
    CHECK(talk.reads() == "CONNACK");
    Inflater inflater(answer.ends_with("=9") ? 9 : client_window_bits);
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 3; ++i) {
        const std::string message = topic + "{\"value\":" + std::to_string(20 + i) + ".75,\"unit\":\"C\"}";
        frames = talk.writes(message);
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].opcode == (ws_binary | compressed));
        CHECK(frames[0].is_final);
        CHECK(inflater.message(frames[0].payload) == message);
        sizes.push_back(frames[0].payload.size());
    }
    CHECK(sizes[0] > 40);
    CHECK(sizes[1] < 20);
    CHECK(sizes[2] < 20);
}

TEST_CASE("short messages are sent as they are, and stay out of the window") {
    DeflateTalk talk;
    talk.answers("permessage-deflate");
    talk.is_accepted();
    Inflater inflater(client_window_bits);
    CHECK(inflater.message(talk.writes(topic).at(0).payload) == topic);
    const auto frames = talk.writes("PUBACK");
    CHECK(frames.at(0).opcode == ws_binary);
    CHECK(frames.at(0).payload == "PUBACK");
    CHECK(inflater.message(talk.writes(topic).at(0).payload) == topic);
}

TEST_CASE("much that repeats far behind needs no larger window than the client has") {
    DeflateTalk talk;
    talk.answers("permessage-deflate");  // which would allow 32 KiB
    talk.is_accepted();
    Rng rng(7);
    std::string text(8000, ' ');
    for (char& c : text) c = static_cast<char>('a' + rng.below(26));
    Inflater inflater(client_window_bits);
    for (int i = 0; i < 3; ++i) {
        std::string got;
        const auto frames = talk.writes(text);
        REQUIRE(!frames.empty());
        CHECK(frames.front().opcode == (ws_binary | compressed));
        for (const WsFrame& frame : frames) got += frame.payload;
        CHECK(frames.back().is_final);
        CHECK(inflater.message(got) == text);
    }
}

TEST_CASE("with client_no_context_takeover each message stands alone") {
    DeflateTalk talk;
    talk.answers("permessage-deflate; client_no_context_takeover; server_no_context_takeover");
    talk.is_accepted();
    for (int i = 0; i < 2; ++i) CHECK(Inflater(client_window_bits).message(talk.writes(topic).at(0).payload) == topic);
    for (int i = 0; i < 2; ++i) {
        talk.gives(ws_frame(ws_binary | compressed, Deflater().message(topic)));
        CHECK(talk.reads() == topic);
    }
}

TEST_CASE("compressed messages of the server are expanded, whatever their fragments are") {
    DeflateTalk talk;
    talk.answers("permessage-deflate");
    Deflater deflater;
    std::string many;
    while (many.size() < 9000) many += topic + std::to_string(many.size());
    for (const std::string& text : {topic, many, topic}) {
        const std::string payload = deflater.message(text);
        std::string frames;
        SUBCASE("one frame") { frames = ws_frame(ws_binary | compressed, payload); }
        SUBCASE("one byte in each frame, with pings between them") {
            for (std::size_t i = 0; i < payload.size(); ++i)
                frames += ws_frame(i == 0 ? ws_binary | compressed : ws_more, payload.substr(i, 1), false) +
                          ws_frame(ws_ping, "p");
            frames += ws_frame(ws_more, "");
        }
        SUBCASE("an uncompressed message between them") {
            frames = ws_frame(ws_binary, "plain") + ws_frame(ws_binary | compressed, payload);
        }
        std::string got;
        std::size_t given = 0;
        while (given < frames.size()) {
            given += talk.gives(std::string_view(frames).substr(given));
            got += talk.reads();
            talk.sends();
        }
        got += talk.reads();
        CHECK(talk.client.state() == State::open);
        CHECK((got == text || got == "plain" + text));
    }
}

TEST_CASE("without the server's agreement messages pass as they are, and a compressed one is a mistake") {
    DeflateTalk talk(100);
    talk.gives(ws_accepting(talk.request));
    REQUIRE(talk.client.state() == State::open);
    CHECK_FALSE(talk.client.is_compressed());
    talk.is_accepted();
    for (int i = 0; i < 2; ++i) CHECK(talk.writes(topic).at(0).payload == topic);
    talk.gives(ws_frame(ws_binary, topic));
    CHECK(talk.reads() == topic);
    const std::string large(2000, 'x');  // the limit of 100 bytes is for what expands
    talk.gives(ws_frame(ws_binary, large));
    CHECK(talk.reads() == large);
    talk.gives(ws_frame(ws_binary | compressed, Deflater().message(topic)));
    CHECK(talk.client.state() == State::ended);
    CHECK(talk.says("violates the WebSocket protocol"));
}

TEST_CASE("few bytes that expand to very many end the connection, and hold little memory until then") {
    constexpr std::size_t limit = 1'000'000;
    DeflateTalk talk(limit);
    talk.answers("permessage-deflate");
    const std::string bomb = ws_frame(ws_binary | compressed, Deflater().message(std::string(50'000'000, '\0')));
    REQUIRE(bomb.size() < 60'000);
    std::size_t given = talk.gives(bomb);
    CHECK(given <= 16 * 1024);  // nobody has read, so no more was expanded than there is room for
    CHECK(talk.client.has_unread());
    std::size_t got = 0;
    while (talk.client.state() == State::open) {
        const std::size_t count = talk.reads().size();
        got += count;
        const std::size_t more = talk.gives(std::string_view(bomb).substr(given));
        given += more;
        REQUIRE(count + more > 0);
    }
    CHECK(got <= limit);
    CHECK(talk.says("violates the WebSocket protocol"));
    // The close frame has the code 1009: the message is too big.
    std::string bytes = talk.sends();
    const auto frame = ws_take_frame(bytes);
    REQUIRE(frame.has_value());
    CHECK(frame->opcode == ws_close);
    CHECK(frame->payload == ws_close_payload(1009));
}

TEST_CASE("bytes that are no compressed message end the connection") {
    for (const std::string& payload : {std::string(50, '\xff'), std::string("\x06\x00", 2), std::string(1, '\x07')}) {
        DeflateTalk talk;
        talk.answers("permessage-deflate");
        talk.gives(ws_frame(ws_binary | compressed, payload));
        talk.reads();
        CHECK(talk.client.state() == State::ended);
        CHECK(talk.says("violates the WebSocket protocol"));
    }
}

}  // namespace
}  // namespace ledge::uplink
