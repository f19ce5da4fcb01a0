// FakeExchange: the peer's end of a request without a socket, for tests of handlers.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "ledge/transport/http.hpp"

namespace ledge::admin::test {

/// The peer of a request: keeps what a handler answers.
class FakeExchange final : public transport::HttpExchange {
public:
    bool is_waiting() const override { return state_ == State::waiting; }
    bool is_streaming() const override { return state_ == State::streaming; }
    void answer(transport::HttpAnswer given) override {
        result = std::move(given);
        state_ = State::over;
    }
    void begin_stream(const transport::HttpStreamHead& head) override {
        result.content_type = head.content_type;
        state_ = State::streaming;
    }
    std::size_t stream_room() const override { return room; }
    bool write_piece(std::string_view piece) override {
        if (piece.size() > room) return false;
        result.body += piece;
        return true;
    }
    void end_stream(bool is_complete) override {
        is_complete_stream = is_complete;
        state_ = State::over;
    }
    /// The peer goes.
    void go() {
        state_ = State::over;
        if (on_gone) on_gone();
    }

    transport::HttpAnswer result{.status = 0};  // of a stream: the pieces so far
    std::size_t room = 64 * 1024;
    bool is_complete_stream = false;

private:
    enum class State : std::uint8_t { waiting, streaming, over };
    State state_ = State::waiting;
};

}  // namespace ledge::admin::test
