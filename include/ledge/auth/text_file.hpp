// The common part of the two readers of text files in this module (password file and ACL file). Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge::auth {

/// A problem in a line of a file. The text is a sentence without its subject, the line.
struct Problem {
    std::uint32_t line = 0;  // counted from 1
    std::string text;
};

inline constexpr std::size_t text_file_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t text_line_bytes_max = 4096;
inline constexpr std::size_t problems_max = 100;  // of one file

/// Returns the lines of a text one by one, without their line ends (LF, CR LF) and without blanks at their ends.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}

    /// Sets `line` to the next line. False = there is no further line.
    bool next(std::string_view& line) {
        if (rest_.empty()) return false;
        const std::size_t end = rest_.find('\n');
        line = rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
        ++number_;
        return true;
    }
    /// Returns the number of the last line, counted from 1.
    std::uint32_t number() const { return number_; }

    static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

private:
    std::string_view rest_;
    std::uint32_t number_ = 0;
};

}  // namespace ledge::auth
