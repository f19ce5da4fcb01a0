// Console: where a command writes its answer and its complaints, and how text is made safe for a terminal. A terminal
// obeys control characters, and the text comes from strangers: clients choose topics, payloads and client ids.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ledge::cli {

struct Console {
    /// Writes a part of the answer. Returns false when nobody reads the answer any more.
    std::function<bool(std::string_view)> write;
    /// Tells one sentence to the user, on standard error.
    std::function<void(std::string_view)> complain;
    bool is_terminal = false;  // the answer goes to a person's terminal, so it must not control the terminal
    std::size_t columns = 80;  // of the terminal
};

/// Standard output and standard error. Several calls of one process share the buffer of standard output; the answer is
/// written when flush_answer() is called.
Console standard_console();
/// Returns false when the answer could not be written.
bool flush_answer();

/// The text without effects on a terminal: control characters (C0, DEL, C1), characters that change the direction of
/// writing, invisible characters, and bytes that are not UTF-8 are written as \n, \t, \xNN or \u{NNNN}.
std::string safe_for_terminal(std::string_view text);

/// The columns that the text has on a terminal: a Chinese character has two, a combining mark none.
std::size_t columns_of(std::string_view text);

/// The text as a part of one line: as it is, or safe_for_terminal() on a terminal.
std::string shown(const Console& console, std::string_view text);

}  // namespace ledge::cli
