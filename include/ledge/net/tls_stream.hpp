// TlsStream: a TlsSession with the interface of an Asio AsyncStream, for Beast's websocket::stream and others. In the
// server's role, TlsGate has completed the handshake before the stream is made. In the client's role, async_handshake()
// comes first. One read and one write may be under way at a time. On the loop's thread.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "ledge/net/idle_buffers.hpp"
#include "ledge/net/tls_session.hpp"

namespace ledge::net {

class TlsStream {
public:
    using executor_type = boost::asio::io_context::executor_type;
    using Error = boost::system::error_code;

    static constexpr std::size_t buffers_per_write_max = 16;

    /// Throws boost::system::system_error when the loop cannot watch the descriptor.
    TlsStream(boost::asio::io_context& io, std::unique_ptr<TlsSession> session);
    TlsStream(TlsStream&&) noexcept = default;
    TlsStream& operator=(TlsStream&&) = delete;
    ~TlsStream();

    executor_type get_executor() noexcept { return socket_.get_executor(); }
    TlsSession& session() { return *session_; }
    bool is_open() const { return socket_.is_open(); }

    /// Adds the stream to `rest`, which gives the buffers back while the stream is idle. `rest` may end before the
    /// stream.
    void join(IdleBuffers& rest, Instant now);

    // A TLS failure is reported as protocol_error; session().failure_reason() says more.

    /// Handler: void(error_code).
    template <class Token>
    auto async_handshake(Token&& token) {
        return boost::asio::async_compose<Token, void(Error)>(HandshakeOp{*this}, token, get_executor());
    }

    /// Handler: void(error_code, bytes). The peer's end is reported as boost::asio::error::eof.
    template <class MutableBuffers, class Token>
    auto async_read_some(const MutableBuffers& buffers, Token&& token) {
        // The first buffer that is not empty: a read of no bytes would look like the end.
        boost::asio::mutable_buffer first;
        for (auto it = boost::asio::buffer_sequence_begin(buffers);
             first.size() == 0 && it != boost::asio::buffer_sequence_end(buffers); ++it) {
            first = *it;
        }
        return boost::asio::async_compose<Token, void(Error, std::size_t)>(ReadOp{*this, first}, token, get_executor());
    }

    /// Handler: void(error_code, bytes). Several small buffers leave in one record.
    template <class ConstBuffers, class Token>
    auto async_write_some(const ConstBuffers& buffers, Token&& token) {
        WriteOp op{*this};
        for (auto it = boost::asio::buffer_sequence_begin(buffers);
             op.count < buffers_per_write_max && it != boost::asio::buffer_sequence_end(buffers); ++it) {
            const boost::asio::const_buffer buffer = *it;
            if (buffer.size() > 0) op.parts[op.count++] = {static_cast<const Byte*>(buffer.data()), buffer.size()};
        }
        return boost::asio::async_compose<Token, void(Error, std::size_t)>(op, token, get_executor());
    }

    /// The orderly end: sends close_notify and FIN, then waits for the peer's end and drops up to `drained_bytes_max`
    /// bytes of input. The caller limits the waiting time by calling close(). Handler: void(error_code).
    template <class Token>
    auto async_shutdown(Token&& token) {
        return boost::asio::async_compose<Token, void(Error)>(ShutdownOp{*this}, token, get_executor());
    }

    /// Sends close_notify and FIN if the socket accepts them at once, then closes the stream.
    void shutdown();
    /// Ends a read that waits for the peer with operation_aborted. Requires that no write is under way.
    void cancel();
    /// Closes at once. Operations under way end with boost::asio::error::operation_aborted.
    void close();

    static constexpr std::size_t drained_bytes_max = 256 * 1024;

private:
    using Status = TlsSession::Status;
    using Descriptor = boost::asio::posix::basic_stream_descriptor<executor_type>;

    /// The stream's entry in a IdleBuffers. The entry keeps its address when the stream is moved.
    class RestEntry final : public BufferHolder {
    public:
        explicit RestEntry(TlsSession& session) : session_(session) {}
        using BufferHolder::mark_active;

    private:
        bool rest() override { return session_.rest(); }
        TlsSession* session() override { return &session_; }
        TlsSession& session_;
    };

    /// The result of one attempt of an operation: a wait for the descriptor, or the operation's end.
    struct Outcome {
        Status status = Status::done;
        Error error;
        std::size_t bytes = 0;

        bool must_wait() const { return status == Status::want_read || status == Status::want_write; }
    };

    Outcome outcome_of(Status status, std::size_t bytes = 0) const;
    static Outcome closed();
    TlsSession* wake();
    Outcome try_handshake();
    Outcome try_read(boost::asio::mutable_buffer into);
    Outcome try_write(const Bytes* parts, std::size_t count);
    Outcome try_drain(std::size_t& drained);

    template <class Operation>
    void wait(const Outcome& outcome, Operation&& operation) {
        const auto kind = outcome.status == Status::want_read ? Descriptor::wait_read : Descriptor::wait_write;
        socket_.async_wait(kind, std::forward<Operation>(operation));
    }

    /// The common part of the operations: attempt, wait, attempt again. Asio forbids that an operation calls its
    /// handler inside the call that has started it, so the result of a first attempt is posted to the loop.
    /// `Derived` has the members Outcome attempt() and void complete(self, outcome).
    template <class Derived>
    struct Op {
        explicit Op(TlsStream& of) : stream(&of) {}

        template <class Self>
        void operator()(Self& self, Error error = {}) {
            Derived& derived = static_cast<Derived&>(*this);
            if (is_decided) return derived.complete(self, outcome);
            if (error) {
                outcome = {Status::failed, error, 0};
                return derived.complete(self, outcome);
            }
            outcome = derived.attempt();
            if (outcome.must_wait()) {
                is_started = true;
                return stream->wait(outcome, std::move(self));
            }
            if (is_started) return derived.complete(self, outcome);
            is_decided = true;
            boost::asio::post(stream->get_executor(), std::move(self));
        }

        TlsStream* stream;
        Outcome outcome;
        bool is_started = false;  // the operation has waited, so this is no longer the call that has started it
        bool is_decided = false;  // the outcome is final and was posted
    };

    struct HandshakeOp : Op<HandshakeOp> {
        explicit HandshakeOp(TlsStream& of) : Op<HandshakeOp>(of) {}
        Outcome attempt() { return this->stream->try_handshake(); }
        template <class Self>
        void complete(Self& self, const Outcome& end) {
            self.complete(end.error);
        }
    };

    struct ReadOp : Op<ReadOp> {
        ReadOp(TlsStream& of, boost::asio::mutable_buffer buffer) : Op<ReadOp>(of), into(buffer) {}
        Outcome attempt() { return this->stream->try_read(into); }
        template <class Self>
        void complete(Self& self, const Outcome& end) {
            self.complete(end.error, end.bytes);
        }
        boost::asio::mutable_buffer into;
    };

    struct WriteOp : Op<WriteOp> {
        explicit WriteOp(TlsStream& of) : Op<WriteOp>(of) {}
        Outcome attempt() { return this->stream->try_write(parts.data(), count); }
        template <class Self>
        void complete(Self& self, const Outcome& end) {
            self.complete(end.error, end.bytes);
        }
        std::array<Bytes, buffers_per_write_max> parts{};
        std::size_t count = 0;
    };

    struct ShutdownOp : Op<ShutdownOp> {
        explicit ShutdownOp(TlsStream& of) : Op<ShutdownOp>(of) {}
        Outcome attempt() { return this->stream->try_drain(drained); }
        template <class Self>
        void complete(Self& self, const Outcome& end) {
            self.complete(end.error);
        }
        std::size_t drained = 0;
    };

    Descriptor socket_;                      // only waits for events; the session owns it
    std::unique_ptr<TlsSession> session_;    // nullptr = closed
    std::unique_ptr<RestEntry> rest_entry_;  // nullptr = join() was not called
    bool is_finished_ = false;               // close_notify and FIN were sent
};

// The functions that Beast requires of a stream below its websocket::stream.

/// Handler: void(error_code).
template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
    stream.async_shutdown(std::forward<Handler>(handler));
}
inline void teardown(boost::beast::role_type, TlsStream& stream, boost::system::error_code& error) {
    stream.shutdown();
    error = {};
}
/// Beast calls this when its timer for a silent peer expires.
inline void beast_close_socket(TlsStream& stream) { stream.close(); }

}  // namespace ledge::net
