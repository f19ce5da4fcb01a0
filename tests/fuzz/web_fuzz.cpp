// web_fuzz: input := flags:u8 step*. HTTP, the upgrade and frames into a real front, driver and shard over a socket
// pair, in virtual time. flags: 1 an upgrade has been agreed on already, 2 and CONNECT too, 4 compression, 8 pings,
// 16 an admin front. Pages: /late is answered when time passes, /stream gets pieces then, /drop is never answered.
//     step := 0..127 that many bytes and one more, as they are
//           | 128..191 first:u8 length:u8 payload        a frame with that first byte, masked, all else as it should be
//           | 192..255 time passes, (step - 191) half seconds; what the broker said is read
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>

#include "input.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/transport/web.hpp"
#include "require.hpp"

namespace {

using namespace ledge;

Instant fuzz_now{};
Instant read_fuzz_clock() { return fuzz_now; }

broker::ShardOptions shard_options() {
    broker::ShardOptions options;
    options.sys_interval = Duration::zero();
    auto& listener = options.listeners.emplace_back();
    listener.name = "fuzz";
    listener.allow_anonymous = true;
    listener.limits.max_packet_size_bytes = 4096;
    listener.limits.outbox_bytes_max = 8192;
    listener.limits.outbox_bytes_fatal = 65'536;
    return options;
}

transport::WebOptions web_options(unsigned flags) {
    transport::WebOptions options;
    if ((flags & 16U) == 0) options.websocket.emplace();
    options.limits.body_bytes_max = 3000;
    options.limits.stream_bytes_max = 4096;
    if (!options.websocket) {
        options.limits.header_bytes_max = 2048;
        return options;
    }
    options.websocket->message_bytes_max = 16 * 1024;
    options.websocket->compression = (flags & 4U) != 0;
    if ((flags & 8U) != 0) options.websocket->ping_interval = 2s;
    options.limits.header_bytes_max = 2048;
    return options;
}

constexpr std::string_view upgrade =
    "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
// CONNECT with version 3.1.1 and client id "f", and SUBSCRIBE to "#", in one frame with a mask of zeros.
constexpr std::array<Byte, 27> connect_frame{0x82, 0x95, 0, 0, 0, 0, 0x10, 13,   0, 4, 'M', 'Q', 'T', 'T',
                                             4,    2,    0, 0, 0, 1, 'f',  0x82, 4, 0, 1,   0,   1};

class Stage {
public:
    explicit Stage(unsigned flags)
        : poller_(std::move(*net::Poller::create())),
          shard_(shard_options(), log_, 1, fuzz_now),
          driver_(shard_, *poller_, clock_),
          front_(transport::make_web_front(io_, web_options(flags), pages_, driver_, log_)) {
        std::array<int, 2> ends{};
        fuzz::require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0, "a socket pair");
        ours_ = ends[0];
        front_->accept(ledge::os::Descriptor(ends[1]), ledge::os::SocketAddress{});
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() { ::close(ours_); }

    void send(Bytes bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(ours_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
            turn();
            if (sent <= 0 && !read_all()) return;  // nobody takes it
        }
    }

    void turn() {
        clock_.begin_turn();
        io_.restart();
        io_.poll();
        if (shard_.next_deadline() <= fuzz_now) shard_.on_time(fuzz_now);
        front_->on_time(fuzz_now);
        driver_.on_time();
        driver_.flush();
    }

    /// false: nothing came.
    bool read_all() {
        std::array<char, 4096> said;
        bool has_come = false;
        while (::recv(ours_, said.data(), said.size(), 0) > 0) has_come = true;
        turn();
        return has_come;
    }

    void advance(Duration span) {
        read_all();
        fuzz_now += span;
        answer_late();
        turn();
    }

    /// The peer goes; a second later nothing is left.
    void end() {
        ::shutdown(ours_, SHUT_RDWR);
        for (int i = 0; i < 20; ++i) advance(1s);
        fuzz::require(driver_.link_count() == 0, "no link is left");
        fuzz::require(front_->asio_peers() == 0, "no peer is left");
        for (const auto& stream : streams_) fuzz::require(!stream.is_open() && stream.room() == 0, "no stream is left");
        for (const auto& responder : late_) fuzz::require(!responder.is_open(), "no request is left");
        fuzz::require(shard_.metrics().connections == 0, "no connection is left");
    }

private:
    /// Answers one late request, and writes to the streams until one is full; the first of two streams ends.
    void answer_late() {
        if (!late_.empty()) {
            late_.front().answer({.body = "late"});
            late_.erase(late_.begin());
        }
        const std::string piece(1000, 'p');
        for (auto& stream : streams_) {
            while (stream.write(piece)) {
            }
            fuzz::require(stream.room() < piece.size(), "a piece is refused only without room");
        }
        if (streams_.size() > 1) streams_.erase(streams_.begin());
    }

    Log log_;
    boost::asio::io_context io_{1};
    transport::TurnClock clock_{read_fuzz_clock};
    std::unique_ptr<net::Poller> poller_;
    broker::Shard shard_;
    transport::Driver driver_;
    transport::HttpHandler pages_ = [this](const transport::HttpRequest& request, transport::Responder responder) {
        fuzz::require(request.body.size() <= 3000, "a body is bounded");
        if (request.path == "/drop") return;
        if (request.path == "/late") return late_.push_back(std::move(responder));
        if (request.path == "/stream") return streams_.push_back(responder.stream({}));
        transport::HttpAnswer answer;
        answer.body = std::string(request.path) + std::string(request.bearer_token) + std::string(request.body);
        answer.etag = "\"1\"";
        responder.answer(std::move(answer));
    };
    std::vector<transport::Responder> late_;
    std::vector<transport::HttpStream> streams_;
    std::unique_ptr<transport::Front> front_;
    int ours_ = -1;
};

std::vector<Byte> framed(fuzz::Input& input) {
    const Byte first = input.byte();
    const std::vector<Byte> payload = input.bytes(input.byte());
    std::vector<Byte> frame{first};
    if (payload.size() < 126) {
        frame.push_back(static_cast<Byte>(0x80U | payload.size()));
    } else {
        frame.insert(frame.end(), {0xFE, 0, static_cast<Byte>(payload.size())});
    }
    frame.insert(frame.end(), {0, 0, 0, 0});
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const unsigned flags = input.byte();
    Stage stage(flags);
    if ((flags & 3U) != 0) stage.send(as_bytes(upgrade));
    if ((flags & 3U) == 3U) stage.send(connect_frame);
    while (!input.empty()) {
        const unsigned step = input.byte();
        if (step < 128) {
            stage.send(input.bytes(step + 1));
        } else if (step < 192) {
            stage.send(framed(input));
        } else {
            stage.advance(500ms * (step - 191));
        }
    }
    stage.end();
    return 0;
}
