#include "ledge/uplink/channel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ledge/os/descriptor.hpp"
#include "ws_script.hpp"

namespace ledge::uplink {
namespace {

struct Pair {
    Pair() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
        peer.reset(ends[1]);
        channel.emplace(*poller, std::make_unique<net::ClientStream>(os::Descriptor(ends[0])));
        REQUIRE(channel->start());
    }
    std::string reads() {
        std::array<Byte, 100> into{};
        const std::size_t count = channel->read(into);
        return std::string(as_text(Bytes(into).first(count)));
    }
    void peer_sends(std::string_view text) {
        REQUIRE(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }

    std::unique_ptr<net::Poller> poller = std::move(*net::Poller::create());
    os::Descriptor peer;
    std::optional<Channel> channel;
};

TEST_CASE("bytes are read after the poller has reported them, then the channel waits again") {
    Pair pair;
    pair.peer_sends("hello");
    CHECK_FALSE(pair.channel->may_read());
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.channel->may_read());
    CHECK(pair.reads() == "hello");
    CHECK(pair.reads() == "");
    CHECK_FALSE(pair.channel->may_read());
    CHECK_FALSE(pair.channel->is_ended());
}

TEST_CASE("an owner that does not read hears nothing of further bytes") {
    Pair pair;
    pair.channel->watch(false, false);
    pair.peer_sends("hello");
    CHECK(pair.poller->poll(0) == 0);
    pair.channel->watch(true, false);
    CHECK(pair.poller->poll(0) == 1);
}

TEST_CASE("a full socket accepts no bytes until the peer has read") {
    Pair pair;
    const std::string many(64 * 1024, 'x');
    std::size_t sent = 0;
    while (const std::size_t count = pair.channel->write(as_bytes(many))) sent += count;
    CHECK_FALSE(pair.channel->may_write());
    CHECK_FALSE(pair.channel->is_broken());
    pair.channel->watch(true, true);
    std::string into(64 * 1024, '\0');
    while (sent > 0) {
        const ssize_t count = ::recv(pair.peer.get(), into.data(), into.size(), 0);
        REQUIRE(count > 0);
        sent -= static_cast<std::size_t>(count);
    }
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.channel->may_write());
}

TEST_CASE("the peer's last bytes come before its end") {
    Pair pair;
    pair.peer_sends("bye");
    pair.peer.reset();
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.reads() == "bye");
    CHECK_FALSE(pair.channel->is_ended());
    CHECK(pair.reads() == "");
    CHECK(pair.channel->is_ended());
    CHECK(pair.channel->is_ended_by_peer());
    CHECK(pair.channel->reason() == "the peer has closed the connection");
}

TEST_CASE("a failed write leaves the peer's last bytes to be read, then the channel has ended") {
    Pair pair;
    pair.peer_sends("bye");
    pair.peer.reset();
    CHECK(pair.channel->write(as_bytes("x")) == 0);
    CHECK(pair.channel->is_broken());
    CHECK_FALSE(pair.channel->is_ended());
    CHECK(pair.reads() == "bye");
    CHECK(pair.reads() == "");
    CHECK(pair.channel->is_ended());
    CHECK(pair.channel->is_ended_by_peer());
}

TEST_CASE("after finish() the peer reads all bytes and the end, and what it sends is still read") {
    Pair pair;
    REQUIRE(pair.channel->write(as_bytes("bye")) == 3);
    pair.channel->finish();
    CHECK_FALSE(pair.channel->may_write());
    std::array<char, 10> into{};
    CHECK(::recv(pair.peer.get(), into.data(), into.size(), 0) == 3);
    CHECK(::recv(pair.peer.get(), into.data(), into.size(), 0) == 0);
    pair.peer_sends("late");
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.reads() == "late");
    CHECK_FALSE(pair.channel->is_ended());
    pair.peer.reset();
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.reads() == "");
    CHECK(pair.channel->is_ended());
}

/// A channel with WebSocket, whose request is answered.
struct WebPair : Pair {
    WebPair() {
        channel.reset();
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
        peer.reset(ends[1]);
        channel.emplace(*poller, std::make_unique<net::ClientStream>(os::Descriptor(ends[0])),
                        std::make_unique<WsClient>(Server{"gw", 80, false, "/mqtt"}, io));
        REQUIRE(channel->start());
        REQUIRE(channel->is_opening());
        channel->go_on();
        peer_sends(ws_accepting(peer_reads()));
        poller->poll(0);
        channel->go_on();
        REQUIRE_FALSE(channel->is_opening());
    }
    ~WebPair() { channel.reset(); }  // before `io`
    std::string peer_reads() {
        std::string all(1024 * 1024, '\0');
        const ssize_t count = ::recv(peer.get(), all.data(), all.size(), MSG_DONTWAIT);
        all.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return all;
    }

    boost::asio::io_context io{1};
};

TEST_CASE("over WebSocket, bytes count as written when the socket has accepted all of their frame") {
    WebPair pair;
    const std::string many(1024 * 1024, 'x');
    std::size_t sent = 0;
    while (const std::size_t count = pair.channel->write(as_bytes(many).subspan(sent))) sent += count;
    REQUIRE(sent > 0);
    CHECK_FALSE(pair.channel->may_write());
    std::string unparsed;
    std::size_t got = 0;
    while (sent < many.size()) {
        unparsed += pair.peer_reads();
        while (const auto frame = ws_take_frame(unparsed)) got += frame->payload.size();
        CHECK(got >= sent);  // the last frame may be there before its count
        pair.channel->watch(true, true);
        pair.poller->poll(0);
        while (sent < many.size()) {
            const std::size_t count = pair.channel->write(as_bytes(many).subspan(sent));
            if (count == 0) break;
            sent += count;
        }
    }
    CHECK_FALSE(pair.channel->is_broken());
}

TEST_CASE("over WebSocket, a pong that the socket does not accept is sent later without a write of the owner") {
    WebPair pair;
    const std::string many(1024 * 1024, 'x');
    while (pair.channel->write(as_bytes(many)) > 0) {
    }
    pair.peer_sends(ws_frame(ws_ping, "p"));
    pair.channel->watch(true, false);
    pair.poller->poll(0);
    CHECK(pair.reads() == "");  // the ping
    CHECK(pair.reads() == "");
    CHECK_FALSE(pair.channel->may_read());
    std::string unparsed = pair.peer_reads();
    bool has_pong = false;
    for (int i = 0; i < 100 && !has_pong; ++i) {
        pair.channel->watch(true, false);
        pair.poller->poll(0);
        if (pair.channel->may_read()) CHECK(pair.reads() == "");
        unparsed += pair.peer_reads();
        while (const auto frame = ws_take_frame(unparsed)) has_pong |= frame->opcode == ws_pong;
    }
    CHECK(has_pong);
}

TEST_CASE("the end of a channel over WebSocket sends a close frame") {
    WebPair pair;
    pair.channel.reset();
    std::string bytes = pair.peer_reads();
    const auto frame = ws_take_frame(bytes);
    REQUIRE(frame);
    CHECK(frame->opcode == ws_close);
}

TEST_CASE("over WebSocket, finish() sends a close frame and the end, and what the peer sends is still read") {
    WebPair pair;
    REQUIRE(pair.channel->write(as_bytes("bye")) == 3);
    pair.channel->finish();
    CHECK_FALSE(pair.channel->may_write());
    std::string bytes = pair.peer_reads();
    CHECK(ws_take_frame(bytes)->payload == "bye");
    CHECK(ws_take_frame(bytes)->opcode == ws_close);
    std::array<char, 1> into{};
    CHECK(::recv(pair.peer.get(), into.data(), into.size(), 0) == 0);
    CHECK(pair.reads() == "");
    CHECK_FALSE(pair.channel->may_read());
    pair.peer_sends(ws_frame(ws_close, ""));
    pair.channel->watch(true, false);
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.reads() != "");
    CHECK_FALSE(pair.channel->is_ended());
    pair.peer.reset();
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.reads() == "");
    CHECK(pair.channel->is_ended());
}

TEST_CASE("over WebSocket, a FIN without a close frame is an end by the peer after its last bytes") {
    WebPair pair;
    pair.peer_sends(ws_frame(ws_binary, "bye"));
    pair.peer.reset();
    pair.poller->poll(0);
    CHECK(pair.reads() == "bye");
    for (int i = 0; i < 2 && !pair.channel->is_ended(); ++i) CHECK(pair.reads() == "");
    CHECK(pair.channel->is_ended());
    CHECK(pair.channel->is_ended_by_peer());
    CHECK(pair.channel->reason() == "the peer has closed the connection");
}

TEST_CASE("a reset by the peer is an end by the peer") {
    Pair pair;
    REQUIRE(pair.channel->write(as_bytes("unread")) == 6);
    pair.peer.reset();  // a Unix socket with unread bytes is closed by a reset
    CHECK(pair.poller->poll(0) == 1);
    CHECK(pair.reads() == "");
    CHECK(pair.channel->is_ended());
    CHECK(pair.channel->is_ended_by_peer());
}

}  // namespace
}  // namespace ledge::uplink
