// What lies below Beast: a plain socket with an orderly end, and the layer that keeps that end in our hands.
#pragma once

#include <sys/socket.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <cstddef>
#include <utility>

namespace ledge::transport {

/// A connected TCP or Unix socket; the counterpart of TlsStream. Handlers keep it alive.
class PlainStream {
public:
    using executor_type = boost::asio::io_context::executor_type;
    using Error = boost::system::error_code;

    static constexpr std::size_t drained_bytes_max = 256 * 1024;  // of what the peer sends after our end

    /// Takes over `descriptor`. Throws boost::system::system_error when the loop cannot watch it; it is closed then.
    PlainStream(boost::asio::io_context& io, int descriptor, int family) : socket_(io.get_executor()) {
        Error error;
        socket_.assign(boost::asio::generic::stream_protocol(family, 0), descriptor, error);
        if (!error) return;
        ::close(descriptor);
        throw boost::system::system_error(error);
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

    /// FIN; then drops what still comes until the peer ends too. Handler: void(error_code).
    template <class Handler>
    void async_shutdown(Handler handler) {
        Error ignored;
        socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
        drain(std::move(handler), 0);
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

/// Beast's next layer. Beast would wait in its teardown for the peer's FIN, for ever if need be, and call nobody
/// meanwhile; here the teardown does nothing, and whoever owns the stream ends it.
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
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        stream_.async_write_some(buffers, std::forward<Handler>(handler));
    }

private:
    Stream stream_;
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
