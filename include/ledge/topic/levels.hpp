// LevelSplitter splits a topic or filter into its levels, one at a time. All modules use it, so all of them agree about
// empty levels. A local helper, small enough to be copied; the text must outlive it.
#pragma once

#include <cstddef>
#include <string_view>

#include "ledge/base/assert.hpp"

namespace ledge::topic {

/// Returns the levels of a text from left to right. A level may be empty: "/a" has the levels "" and "a", and the empty
/// text has one level, which is empty.
class LevelSplitter {
public:
    // The data of an empty view may be nullptr, which here means that no level is left.
    explicit LevelSplitter(std::string_view text) : at_(text.empty() ? "" : text.data()), end_(at_ + text.size()) {}

    bool is_done() const { return at_ == nullptr; }

    /// Returns the next level. Must not be called after is_done() is true.
    std::string_view next() {
        LEDGE_ASSERT(!is_done());
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

}  // namespace ledge::topic
