#include "ledge/cli/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"

namespace ledge::cli {
namespace {

/// True for a character that a terminal does not simply show: controls, and the marks that turn the direction of
/// writing, with which a text can look like another one (Unicode TR 36).
bool has_effect(std::uint32_t c) {
    const bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    const bool is_direction =
        c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    return is_control || is_direction || c == 0x2028 || c == 0x2029;
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

std::string shown(const Console& console, std::string_view text) {
    return console.is_terminal ? safe_for_terminal(text) : std::string(text);
}

}  // namespace ledge::cli
