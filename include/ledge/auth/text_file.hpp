// What the two line-oriented files of this module have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge::auth {

/// What is wrong with a line of a file.
struct Problem {
    std::uint32_t line = 0;  // from 1
    std::string text;
};

inline constexpr std::size_t text_file_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t text_line_bytes_max = 4096;
inline constexpr std::size_t problems_max = 100;  // of one file

/// Hands out lines without what ends them (LF, CR LF) and without blanks at their end.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}

    bool next(std::string_view& line) {
        if (rest_.empty()) return false;
        const std::size_t end = rest_.find('\n');
        line = rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
        ++number_;
        return true;
    }
    std::uint32_t number() const { return number_; }

    static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

private:
    std::string_view rest_;
    std::uint32_t number_ = 0;
};

}  // namespace ledge::auth
