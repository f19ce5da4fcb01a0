// LevelSplitter: the levels of a topic or filter, one at a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace ledge::topic::detail {

/// Hands out the levels of a text from left to right.
class LevelSplitter {
public:
    explicit LevelSplitter(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    bool is_done() const { return at_ == nullptr; }

    std::string_view next() {
        const char* cut = at_;
        while (cut != end_ && *cut != '/') ++cut;
        const std::string_view level(at_, static_cast<std::size_t>(cut - at_));
        at_ = cut == end_ ? nullptr : cut + 1;
        return level;
    }

private:
    const char* at_;
    const char* end_;
};

}  // namespace ledge::topic::detail
