// LevelSplitter splits a topic or filter into its levels, one at a time. A local helper; the text must outlive it.
#pragma once

#include <cstddef>
#include <string_view>

namespace ledge::topic::detail {

/// Returns the levels of a text from left to right.
class LevelSplitter {
public:
    explicit LevelSplitter(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    bool is_done() const { return at_ == nullptr; }

    /// Returns the next level. Must not be called after is_done() is true.
    std::string_view next() {
        const char* cut = at_;
        while (cut != end_ && *cut != '/') ++cut;
        const std::string_view level(at_, static_cast<std::size_t>(cut - at_));
        at_ = cut == end_ ? nullptr : cut + 1;
        return level;
    }

private:
    const char* at_;  // start of the next level; nullptr = there is none
    const char* end_;
};

}  // namespace ledge::topic::detail
