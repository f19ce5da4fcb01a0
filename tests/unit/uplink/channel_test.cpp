#include "ledge/uplink/channel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ledge/os/descriptor.hpp"

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
