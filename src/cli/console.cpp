#include "ledge/cli/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"

namespace ledge::cli {
namespace {

/// True for a character that a terminal does not simply show: controls, the marks that turn the direction of writing,
/// and characters without a width. With the latter two a text can look like another one (Unicode TR 36).
bool has_effect(std::uint32_t c) {
    const bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    const bool is_direction =
        c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    // The joiners U+200C and U+200D stay: words of Persian and Hindi need them.
    const bool is_invisible =
        c == 0x00AD || c == 0x200B || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);
    return is_control || is_direction || is_invisible || c == 0x2028 || c == 0x2029;
}

void append_escape(std::uint32_t c, std::string& out) {
    if (c == '\n') {
        out += "\\n";
    } else if (c == '\t') {
        out += "\\t";
    } else if (c == '\r') {
        out += "\\r";
    } else if (c < 0x100) {
        out += "\\x";
        append_hex(c, 2, out);
    } else {
        out += "\\u{";
        append_hex(c, 4, out);
        out += "}";
    }
}

std::size_t columns_of_terminal() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return std::max<std::size_t>(size.ws_col, 20);
}

}  // namespace

Console standard_console() {
    Console console;
    console.write = [](std::string_view text) {
        return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    };
    console.complain = [](std::string_view sentence) {
        // The answer so far stands before the complaint, also where both go to one terminal.
        std::fflush(stdout);
        // The reason of a refusal may be the server's own words.
        const std::string line = "ledgemq: " + safe_for_terminal(sentence) + "\n";
        std::fwrite(line.data(), 1, line.size(), stderr);
    };
    console.is_terminal = ::isatty(STDOUT_FILENO) == 1;
    if (console.is_terminal) console.columns = columns_of_terminal();
    return console;
}

bool flush_answer() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

std::string safe_for_terminal(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint c = decode_utf8(text);
        const std::size_t length = std::max<std::size_t>(c.length, 1);
        if (c.length == 0)
            append_escape(static_cast<unsigned char>(text.front()), out);
        else if (has_effect(c.value))
            append_escape(c.value, out);
        else
            out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

std::size_t columns_of(std::string_view text) {
    struct Range {
        std::uint32_t first;
        std::uint32_t last;
    };
    // Marks that stand on the character before them, and the joiners (Unicode categories Mn, Me, Cf; usual ones).
    constexpr Range narrow[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
                                {0x064B, 0x065F}, {0x0E34, 0x0E3A}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
                                {0x200C, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
    // Characters of two columns (Unicode Standard Annex 11, W and F, the blocks as a whole).
    constexpr Range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},
                              {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},
                              {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    const auto is_in = [](std::uint32_t c, const auto& ranges) {
        return std::any_of(std::begin(ranges), std::end(ranges),
                           [c](const Range& range) { return c >= range.first && c <= range.last; });
    };
    std::size_t columns = 0;
    while (!text.empty()) {
        const CodePoint c = decode_utf8(text);
        columns += is_in(c.value, narrow) ? 0U : is_in(c.value, wide) ? 2U : 1U;
        text.remove_prefix(std::max<std::size_t>(c.length, 1));
    }
    return columns;
}

std::string shown(const Console& console, std::string_view text) {
    return console.is_terminal ? safe_for_terminal(text) : std::string(text);
}

}  // namespace ledge::cli
