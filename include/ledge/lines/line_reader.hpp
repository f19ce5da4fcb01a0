// LineReader: the lines in the bytes of a serial port. A line ends with LF, CR, or CR LF. The end is not a part of the
// line, and an empty line is none, so CR LF needs no memory of the CR. One reader per port; no I/O, no clock.
//
// The bytes behind open() may begin in the middle of a line: "1.5\n" of a meter that sends "231.5\n". A wrong value is
// worse than a missing one, so they are discarded up to the first end of a line. If the line was silent in between,
// the owner calls expect_line_begin(), and the next byte is taken for the first one of a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ledge/base/bytes.hpp"

namespace ledge::lines {

class LineReader {
public:
    struct Counters {
        std::uint64_t lines = 0;     // handed over
        std::uint64_t too_long = 0;  // longer than line_bytes_max
        std::uint64_t stale = 0;     // incomplete, or with a zero byte, after open()
    };

    /// A line of at most `line_bytes_max` bytes is handed over, a longer one is dropped. Requires at least 1.
    explicit LineReader(std::size_t line_bytes_max);

    /// The port was opened. The bytes of an incomplete line are forgotten.
    void open();
    /// True between open() and the first byte.
    bool is_untouched() const { return state_ == State::untouched; }
    /// The port was silent for long enough since open(): the next byte begins a line.
    void expect_line_begin();

    /// Reads at most one line and shrinks `input`. nullopt = `input` is used up. The line is valid until the next call.
    std::optional<Bytes> next(Bytes& input);
    const Counters& counters() const { return counters_; }

private:
    enum class State : std::uint8_t {
        untouched,   // opened, no byte yet
        stale,       // opened in the middle of a line: its end is awaited
        first_line,  // the first line after a silence; a zero byte in it is noise of the plug, and makes it stale
        reading,     // bytes of a line are collected
        too_long,    // the line is longer than allowed: its end is awaited
    };
    void collect(Byte byte);
    bool ends_line();

    std::size_t line_bytes_max_;
    State state_ = State::untouched;
    std::string line_;             // never longer than line_bytes_max_
    bool is_handed_over_ = false;  // line_ is what next() has returned, and is cleared by the next call
    Counters counters_;
};

}  // namespace ledge::lines
