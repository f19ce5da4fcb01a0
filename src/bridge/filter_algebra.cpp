// Set operations on topic filters, level by level.
//
// Two levels at the same place, in intersection():
//
//             literal x   '+'    '#'            end
// literal x   x           x      x and the rest  empty set
// literal y   empty set   y      y and the rest  empty set
// '+'         x           '+'    '+' and the rest  empty set
// '#'         (the rest of the other filter, also when the other filter has ended: "a/#" matches "a")
#include "ledge/bridge/filter_algebra.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/topic/levels.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::bridge {
namespace {

using topic::LevelSplitter;

/// A filter as a list of levels. The position may be beyond the last level.
class Levels {
public:
    explicit Levels(std::string_view filter) : rest_(filter) { advance(); }

    bool is_done() const { return is_done_; }
    bool is_hash() const { return !is_done_ && level_ == "#"; }
    std::string_view level() const { return level_; }
    void advance() {
        is_done_ = rest_.is_done();
        level_ = is_done_ ? std::string_view{} : rest_.next();
    }

private:
    LevelSplitter rest_;
    std::string_view level_;
    bool is_done_ = false;
};

class Joined {
public:
    void append(std::string_view level) {
        if (!is_first_) text_ += '/';
        is_first_ = false;
        text_ += level;
    }
    /// Appends the present level of `levels` and all that follow.
    void append_rest(Levels levels) {
        for (; !levels.is_done(); levels.advance()) append(levels.level());
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
    bool is_first_ = true;
};

bool starts_wild(std::string_view filter) { return filter.starts_with('+') || filter.starts_with('#'); }

/// "+/#" and "#" match the same topics, because each topic has at least one level. No other two filters do.
std::string_view canonical(std::string_view filter) { return filter == "+/#" ? filter.substr(2) : filter; }

bool is_plain(std::string_view filter) {
    return topic::is_valid_filter(filter, topic::levels_hard_max) && !topic::is_shared(filter);
}

}  // namespace

std::optional<std::string> intersection(std::string_view a, std::string_view b) {
    LEDGE_ASSERT(is_plain(a) && is_plain(b));
    // [MQTT-4.7.2-1] no topic that starts with '$' matches a filter that starts with a wildcard.
    if ((starts_wild(a) && b.starts_with('$')) || (starts_wild(b) && a.starts_with('$'))) return std::nullopt;
    Joined out;
    Levels left(a);
    Levels right(b);
    for (; !left.is_done() && !right.is_done(); left.advance(), right.advance()) {
        if (left.is_hash() || right.is_hash()) break;
        const bool is_same = left.level() == right.level();
        if (!is_same && left.level() != "+" && right.level() != "+") return std::nullopt;
        out.append(left.level() == "+" ? right.level() : left.level());
    }
    if (left.is_hash()) {
        out.append_rest(right);
        return out.take();
    }
    if (right.is_hash()) {
        out.append_rest(left);
        return out.take();
    }
    if (!left.is_done() || !right.is_done()) return std::nullopt;  // different numbers of levels
    return out.take();
}

bool intersects(std::string_view a, std::string_view b) { return intersection(a, b).has_value(); }

bool covers(std::string_view wide, std::string_view narrow) {
    const auto common = intersection(wide, narrow);
    return common && canonical(*common) == canonical(narrow);
}

std::optional<std::string> narrowest_cover(std::string_view a, std::string_view b) {
    LEDGE_ASSERT(is_plain(a) && is_plain(b));
    Joined out;
    Levels left(a);
    Levels right(b);
    // A wildcard in the first level would not match topics that start with '$', so '$' levels must be equal.
    const bool has_dollar = a.starts_with('$') || b.starts_with('$');
    if (has_dollar && left.level() != right.level()) return std::nullopt;
    for (; !left.is_done() && !right.is_done(); left.advance(), right.advance()) {
        if (left.is_hash() || right.is_hash()) break;
        out.append(left.level() == right.level() ? left.level() : "+");
    }
    // '#' also matches when the topic ends one level before, so it covers the shorter filter too.
    if (!left.is_done() || !right.is_done()) out.append("#");
    return std::string(canonical(out.take()));
}

}  // namespace ledge::bridge
