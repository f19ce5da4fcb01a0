// The streams below Beast: PlainStream is a plain socket with an orderly end. Layer wraps a PlainStream or a TlsStream,
// and prevents Beast from ending it. On the loop's thread.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <cstddef>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::transport {

/// A connected TCP or Unix socket, with the interface of TlsStream. The owner must keep it alive until all its handlers
/// have run.
class PlainStream {
public:
    using executor_type = boost::asio::io_context::executor_type;
    using Error = boost::system::error_code;

    static constexpr std::size_t drained_bytes_max = 256 * 1024;  // input that is dropped after our end

    /// Throws boost::system::system_error when the loop cannot watch the socket.
    PlainStream(boost::asio::io_context& io, os::Descriptor socket, int family) : socket_(io.get_executor()) {
        Error error;
        socket_.assign(boost::asio::generic::stream_protocol(family, 0), socket.get(), error);
        if (error) throw boost::system::system_error(error);
        [[maybe_unused]] const int owned_by_asio = socket.release();
    }

    executor_type get_executor() noexcept { return socket_.get_executor(); }

    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        socket_.async_read_some(buffers, std::forward<Handler>(handler));
    }
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        socket_.async_write_some(buffers, std::forward<Handler>(handler));
    }

    /// Sends FIN, then drops input until the peer ends too or drained_bytes_max is passed. Handler: void(error_code).
    template <class Handler>
    void async_shutdown(Handler handler) {
        Error ignored;
        socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
        drain(std::move(handler), 0);
    }

    /// Ends the read that is under way with operation_aborted.
    void cancel() {
        Error ignored;
        socket_.cancel(ignored);
    }
    void close() {
        Error ignored;
        socket_.close(ignored);
    }

private:
    template <class Handler>
    void drain(Handler handler, std::size_t drained) {
        socket_.async_wait(boost::asio::socket_base::wait_read,
                           [this, handler = std::move(handler), drained](Error error) mutable {
                               if (error) return handler(error);
                               std::array<char, 4096> dropped;
                               const auto got = ::recv(socket_.native_handle(), dropped.data(), dropped.size(), 0);
                               const bool is_over = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
                               if (got > 0) drained += static_cast<std::size_t>(got);
                               if (is_over || drained > drained_bytes_max) return handler(Error{});
                               drain(std::move(handler), drained);
                           });
    }

    boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, executor_type> socket_;
};

/// The stream directly below Beast's websocket::stream. Beast's own teardown would wait for the peer's FIN without a
/// time limit and call no handler meanwhile. The teardown of this layer does nothing; the owner of the stream ends it.
/// Beast writes one frame at a time. append_to_next() adds further frames to the same write.
template <class Stream>
class Layer {
public:
    using executor_type = typename Stream::executor_type;

    explicit Layer(Stream stream) : stream_(std::move(stream)) {}

    executor_type get_executor() noexcept { return stream_.get_executor(); }
    Stream& stream() { return stream_; }

    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        stream_.async_read_some(buffers, std::forward<Handler>(handler));
    }
    /// Sends `frames` in one write with the frame whose payload ends at `payload_end`, directly after this frame. Beast
    /// may send control frames before; their payloads are in other memory. Both arguments must stay valid until the
    /// write of that frame has completed.
    void append_to_next(const void* payload_end, boost::asio::const_buffer frames) {
        LEDGE_ASSERT(payload_end != nullptr);
        payload_end_ = payload_end;
        frames_ = frames;
    }

    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        if (payload_end_ == nullptr || end_of(buffers) != payload_end_)
            return stream_.async_write_some(buffers, std::forward<Handler>(handler));
        write_with_frames(buffers, std::forward<Handler>(handler));
    }

private:
    static constexpr std::size_t parts_max = 8;  // Beast passes four: header, payload, and two empty buffers

    /// The end of the last buffer that is not empty.
    template <class Buffers>
    static const void* end_of(const Buffers& buffers) {
        const void* end = nullptr;
        for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers);
             ++it) {
            const boost::asio::const_buffer part = *it;
            if (part.size() > 0) end = static_cast<const char*>(part.data()) + part.size();
        }
        return end;
    }

    /// Writes Beast's frame and the appended frames together. Beast's handler gets only the number of Beast's own
    /// bytes.
    template <class Buffers, class Handler>
    void write_with_frames(const Buffers& buffers, Handler&& handler) {
        std::array<boost::asio::const_buffer, parts_max> parts{};
        std::size_t count = 0;
        for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers);
             ++it) {
            const boost::asio::const_buffer part = *it;
            if (part.size() == 0) continue;
            LEDGE_ASSERT(count + 1 < parts_max);
            parts[count++] = part;
        }
        const std::size_t own = boost::asio::buffer_size(parts);
        parts[count] = std::exchange(frames_, {});
        payload_end_ = nullptr;
        boost::asio::async_write(stream_, parts,
                                 [own, handler = std::forward<Handler>(handler)](const boost::system::error_code& error,
                                                                                 std::size_t sent) mutable {
                                     std::move(handler)(error, std::min(own, sent));
                                 });
    }

    Stream stream_;
    const void* payload_end_ = nullptr;  // nullptr = no frames are to be appended
    boost::asio::const_buffer frames_;
};

template <class Stream, class Handler>
void async_teardown(boost::beast::role_type, Layer<Stream>& layer, Handler&& handler) {
    boost::asio::post(layer.get_executor(),
                      boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}
template <class Stream>
void beast_close_socket(Layer<Stream>& layer) {
    layer.stream().close();
}

}  // namespace ledge::transport
