#include "ledge/lines/line_reader.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::lines {

LineReader::LineReader(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {
    LEDGE_ASSERT(line_bytes_max > 0);
}

void LineReader::open() {
    state_ = State::untouched;
    line_.clear();
    is_handed_over_ = false;
}

void LineReader::expect_line_begin() {
    if (state_ == State::untouched) state_ = State::first_line;
}

std::optional<Bytes> LineReader::next(Bytes& input) {
    if (std::exchange(is_handed_over_, false)) line_.clear();
    if (state_ == State::untouched && !input.empty()) state_ = State::stale;
    while (!input.empty()) {
        const Byte byte = input.front();
        input = input.subspan(1);
        if (byte != '\n' && byte != '\r') {
            collect(byte);
        } else if (ends_line()) {
            is_handed_over_ = true;
            return as_bytes(line_);
        }
    }
    LEDGE_ASSERT(line_.size() <= line_bytes_max_);
    return std::nullopt;
}

void LineReader::collect(Byte byte) {
    switch (state_) {
        case State::untouched: LEDGE_ASSERT(false); return;
        case State::stale:
        case State::too_long: return;
        case State::first_line:
        case State::reading: break;
    }
    if (byte == 0 && state_ == State::first_line) {
        state_ = State::stale;
        line_.clear();
    } else if (line_.size() == line_bytes_max_) {
        // What is collected so far is useless without its end, and the end would be taken for a line of its own.
        state_ = State::too_long;
        line_.clear();
    } else {
        line_ += static_cast<char>(byte);
    }
}

/// An end of a line has come. True: line_ is a line.
bool LineReader::ends_line() {
    const State state = std::exchange(state_, State::reading);
    if (state == State::stale) ++counters_.stale;
    if (state == State::too_long) ++counters_.too_long;
    if (line_.empty()) return false;  // also in both cases above
    ++counters_.lines;
    return true;
}

}  // namespace ledge::lines
