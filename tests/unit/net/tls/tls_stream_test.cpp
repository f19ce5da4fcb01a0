// The stream for Asio: what AsyncStream promises, over two ends of one loop.
#include "ledge/net/tls_stream.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>

#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/os/descriptor.hpp"
#include "pki.hpp"

using namespace ledge;
using namespace ledge::net;
namespace asio = boost::asio;
using AsioError = boost::system::error_code;

namespace {

struct Streams {
    Streams() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        auto mine = TlsContext::create(server_options(), TlsSecrets::create());
        auto theirs = TlsContext::create(client_options(), TlsSecrets::create());
        server.emplace(io, TlsSession::create(*mine, ledge::os::Descriptor(ends[0])));
        client.emplace(io, TlsSession::create(*theirs, ledge::os::Descriptor(ends[1]), "localhost"));
        int done = 0;
        const auto note = [&done](AsioError error) {
            CHECK_FALSE(error);
            ++done;
        };
        server->async_handshake(note);
        client->async_handshake(note);
        CHECK(done == 0);  // never inside the call
        io.run();
        io.restart();
        REQUIRE(done == 2);
    }

    asio::io_context io{1};
    std::optional<TlsStream> server;
    std::optional<TlsStream> client;
};

}  // namespace

TEST_CASE("bytes pass, buffer sequences as one, and nothing completes inside the call that starts it") {
    Streams s;
    const std::array<asio::const_buffer, 3> parts{asio::buffer("head", 4), asio::const_buffer(),
                                                  asio::buffer("body", 4)};
    std::string got(8, '\0');
    int done = 0;
    asio::async_write(*s.client, parts, [&](AsioError error, std::size_t size) {
        CHECK((!error && size == 8));
        ++done;
    });
    s.io.poll();
    s.io.restart();
    asio::async_read(*s.server, asio::buffer(got), [&](AsioError error, std::size_t size) {
        CHECK((!error && size == 8));
        ++done;
    });
    CHECK(done <= 1);  // the write may be over; the read has bytes at hand, and still waits for the loop
    s.io.run();
    CHECK(done == 2);
    CHECK(got == "headbody");
}

TEST_CASE("a write larger than the socket takes ends when the peer has read") {
    Streams s;
    const std::string large(3'000'000, 'l');
    std::string got(large.size(), '\0');
    int done = 0;
    asio::async_write(*s.server, asio::buffer(large), [&](AsioError error, std::size_t size) {
        CHECK((!error && size == large.size()));
        ++done;
    });
    asio::async_read(*s.client, asio::buffer(got), [&](AsioError error, std::size_t size) {
        CHECK((!error && size == got.size()));
        ++done;
    });
    s.io.run();
    CHECK(done == 2);
    CHECK(got == large);
}

TEST_CASE("an empty read completes with nothing; the peer's end is eof; both ends shut down in order") {
    Streams s;
    std::array<char, 10> buffer{};
    int done = 0;
    s.server->async_read_some(asio::mutable_buffer(), [&](AsioError error, std::size_t size) {
        CHECK((!error && size == 0));
        ++done;
    });
    s.io.run();
    s.io.restart();
    s.client->async_shutdown([&](AsioError error) {
        CHECK_FALSE(error);
        ++done;
    });
    s.server->async_read_some(asio::buffer(buffer), [&](AsioError error, std::size_t) {
        CHECK(error == asio::error::eof);
        ++done;
        s.server->async_shutdown([&](AsioError) { ++done; });
    });
    s.io.run();
    CHECK(done == 4);
}

TEST_CASE("closing ends what is under way") {
    Streams s;
    std::array<char, 10> buffer{};
    AsioError seen;
    s.server->async_read_some(asio::buffer(buffer), [&](AsioError error, std::size_t) { seen = error; });
    s.io.poll();
    s.server->close();
    s.io.run();
    s.io.restart();
    CHECK(seen == asio::error::operation_aborted);
    CHECK_FALSE(s.server->is_open());
    s.server->async_write_some(asio::buffer("x", 1), [&](AsioError error, std::size_t) { seen = error; });
    s.io.run();
    CHECK(seen == asio::error::bad_descriptor);
}

TEST_CASE("a forged record is a protocol error with words") {
    Streams s;
    const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
    REQUIRE(::send(s.client->session().descriptor(), forged.data(), forged.size(), 0) == 37);
    std::array<char, 10> buffer{};
    AsioError seen;
    s.server->async_read_some(asio::buffer(buffer), [&](AsioError error, std::size_t) { seen = error; });
    s.io.run();
    CHECK(seen == boost::system::errc::protocol_error);
    CHECK(s.server->session().failure_reason().find("MAC") != std::string::npos);
}

TEST_CASE("a stream that has been silent rests, wherever it has been moved to, and goes on as if it had not") {
    Streams s;
    auto rest = std::make_unique<IdleBuffers>();
    Instant now{};
    s.server->join(*rest, now);
    TlsStream server(std::move(*s.server));
    std::array<char, 16> buffer{};
    for (int i = 0; i < 3; ++i) {
        std::size_t got = 0;
        server.async_read_some(asio::buffer(buffer), [&got](AsioError error, std::size_t bytes) {
            CHECK_FALSE(error);
            got = bytes;
        });
        s.io.poll();
        s.io.restart();
        for (int look = 0; look < 2; ++look) rest->on_time(now += IdleBuffers::interval);
        CHECK((rest->next_deadline() == never));
        asio::async_write(*s.client, asio::buffer("wake", 4), [](AsioError error, std::size_t) { CHECK_FALSE(error); });
        s.io.run();
        s.io.restart();
        CHECK(std::string_view(buffer.data(), got) == "wake");
        CHECK((rest->next_deadline() != never));
    }
    rest.reset();  // the front has gone
    asio::async_write(server, asio::buffer("end", 3), [](AsioError error, std::size_t) { CHECK_FALSE(error); });
    s.io.run();
}
