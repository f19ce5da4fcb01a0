// The byte stream below Beast's WebSocket, without I/O and without a loop. Beast knows only streams with handlers, and
// expects that handlers are called later, by an executor:
//     StepQueue  the executor: a queue of calls, which the owner runs whenever it has given Beast something to do
//     WsPipe     the stream's memory: received bytes that Beast has not read, and bytes of Beast that are not sent
//     WsLayer    the stream as Beast sees it; it refers to a WsPipe
// Only ws_client.cpp includes this file, since Beast takes half a minute to compile.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::uplink {

/// A call that Beast has asked for. Unlike the function of std::function, it may be move-only, as Beast's handlers are.
class Step {
public:
    virtual ~Step() = default;
    virtual void run() = 0;
};

template <class Function>
std::unique_ptr<Step> make_step(Function&& function) {
    using Kept = std::decay_t<Function>;
    class Made final : public Step {
    public:
        explicit Made(Function&& kept) : kept_(std::forward<Function>(kept)) {}
        void run() override { std::move(kept_)(); }

    private:
        Kept kept_;
    };
    return std::make_unique<Made>(std::forward<Function>(function));
}

class StepQueue {
public:
    /// An executor of Asio, whose calls always wait in the queue.
    class Executor {
    public:
        explicit Executor(StepQueue& queue) : queue_(&queue) {}

        boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
            return queue_->timers_;
        }
        static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
            return boost::asio::execution::blocking.never;
        }
        Executor require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }
        template <class Function>
        void execute(Function&& function) const {
            queue_->push(make_step(std::forward<Function>(function)));
        }
        friend bool operator==(const Executor&, const Executor&) noexcept = default;

    private:
        StepQueue* queue_;
    };

    /// Every stream of Beast has a timer, which belongs to an execution context of Asio. No timeout is set here, so
    /// `timers` never calls anything. It must outlive the queue.
    explicit StepQueue(boost::asio::execution_context& timers) : timers_(timers) {}
    StepQueue(const StepQueue&) = delete;
    StepQueue& operator=(const StepQueue&) = delete;

    void push(std::unique_ptr<Step> step) { steps_.push_back(std::move(step)); }
    /// Makes all calls, with those that are added meanwhile. Must not be called from a step.
    void run() {
        while (!steps_.empty()) {
            const std::unique_ptr<Step> step = std::move(steps_.front());
            steps_.pop_front();
            step->run();
        }
    }

private:
    boost::asio::execution_context& timers_;
    std::deque<std::unique_ptr<Step>> steps_;
};

class WsPipe {
public:
    using Error = boost::system::error_code;

    /// With so much unsent output, Beast has to wait. Its last write before may exceed this by one frame.
    static constexpr std::size_t output_bytes_max = 16 * 1024;

    explicit WsPipe(StepQueue& queue) : queue_(queue) {}
    WsPipe(const WsPipe&) = delete;
    WsPipe& operator=(const WsPipe&) = delete;

    // ---- The owner's side. After give() and sent(), the owner runs the queue.

    /// `input` must stay valid until unread() is empty. Requires that unread() is empty.
    void give(Bytes input) {
        LEDGE_ASSERT(unread_.empty());
        unread_ = input;
        wake();
    }
    Bytes unread() const { return unread_; }
    Bytes output() const { return output_; }
    bool is_full() const { return output_.size() >= output_bytes_max; }
    void sent(std::size_t count) {
        LEDGE_ASSERT(count <= output_.size());
        output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(count));
        wake();
    }

    // ---- Beast's side: one read and one write at a time. No end of the stream is reported: the owner sees it first.

    template <class Buffers, class Handler>
    void read(const Buffers& into, Handler&& handler) {
        LEDGE_ASSERT(reader_ == nullptr);
        reader_ = make_step([this, into, handler = std::forward<Handler>(handler)]() mutable {
            const std::size_t count =
                boost::asio::buffer_copy(into, boost::asio::buffer(unread_.data(), unread_.size()));
            unread_ = unread_.subspan(count);
            std::move(handler)(Error{}, count);
        });
        wake();
    }
    template <class Buffers, class Handler>
    void write(const Buffers& from, Handler&& handler) {
        LEDGE_ASSERT(writer_ == nullptr);
        writer_ = make_step([this, from, handler = std::forward<Handler>(handler)]() mutable {
            const std::size_t size = boost::asio::buffer_size(from);
            const std::size_t old_size = output_.size();
            output_.resize(old_size + size);
            boost::asio::buffer_copy(boost::asio::buffer(output_.data() + old_size, size), from);
            std::move(handler)(Error{}, size);
        });
        wake();
    }
    StepQueue::Executor executor() { return StepQueue::Executor(queue_); }

private:
    /// Lets what can go on go on. A step out of the queue finds the bytes or the room that it has waited for, because
    /// nobody else reads or writes.
    void wake() {
        if (reader_ != nullptr && !unread_.empty()) queue_.push(std::move(reader_));
        if (writer_ != nullptr && !is_full()) queue_.push(std::move(writer_));
    }

    StepQueue& queue_;
    Bytes unread_;
    std::vector<Byte> output_;
    std::unique_ptr<Step> reader_;  // waits for input; nullptr = Beast does not read
    std::unique_ptr<Step> writer_;  // waits for room in output_; nullptr = Beast does not write
};

class WsLayer {
public:
    using executor_type = StepQueue::Executor;

    explicit WsLayer(WsPipe& pipe) : pipe_(&pipe) {}

    executor_type get_executor() const noexcept { return pipe_->executor(); }
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& into, Handler&& handler) {
        pipe_->read(into, std::forward<Handler>(handler));
    }
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& from, Handler&& handler) {
        pipe_->write(from, std::forward<Handler>(handler));
    }

private:
    WsPipe* pipe_;
};

/// Beast's own teardown would wait for the end of the stream. The owner of the pipe closes the socket instead.
template <class Handler>
void async_teardown(boost::beast::role_type, WsLayer& layer, Handler&& handler) {
    layer.get_executor().execute(
        [handler = std::forward<Handler>(handler)]() mutable { std::move(handler)(boost::system::error_code{}); });
}
inline void beast_close_socket(WsLayer&) {}  // for timeouts of Beast, which are not used

}  // namespace ledge::uplink
