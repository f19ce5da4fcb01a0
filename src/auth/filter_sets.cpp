// Compares filters level by level.
#include "filter_sets.hpp"

#include "ledge/topic/levels.hpp"

namespace ledge::auth {
namespace {

/// The current level of a filter. A comparison looks at the level of both filters before it advances either of them.
class Levels {
public:
    explicit Levels(std::string_view filter) : rest_(filter) { advance(); }
    bool is_at_end() const { return is_at_end_; }
    std::string_view level() const { return level_; }
    bool is_multi() const { return !is_at_end_ && level_ == "#"; }
    bool is_single() const { return !is_at_end_ && level_ == "+"; }
    void advance() {
        is_at_end_ = rest_.is_done();
        level_ = is_at_end_ ? std::string_view() : rest_.next();
    }

private:
    topic::LevelSplitter rest_;
    std::string_view level_;
    bool is_at_end_ = false;
};

bool begins_with_wildcard(std::string_view filter) { return filter.starts_with('+') || filter.starts_with('#'); }

/// True if one filter begins with a wildcard and the other with '$'. Then no topic matches both [MQTT-4.7.2-1].
bool are_separated_by_dollar(std::string_view a, std::string_view b) {
    return (begins_with_wildcard(a) && b.starts_with('$')) || (begins_with_wildcard(b) && a.starts_with('$'));
}

}  // namespace

/// Both filters match a common topic if each pair of levels can be equal.
bool overlap(std::string_view a, std::string_view b) {
    if (are_separated_by_dollar(a, b)) return false;
    Levels left(a);
    Levels right(b);
    while (true) {
        if (left.is_multi() || right.is_multi()) return true;  // even if the other has ended: "a/#" matches "a"
        if (left.is_at_end() || right.is_at_end()) return left.is_at_end() && right.is_at_end();
        if (!left.is_single() && !right.is_single() && left.level() != right.level()) return false;
        left.advance();
        right.advance();
    }
}

/// `outer` matches all topics of `inner` if each level of `outer` matches all that the level of `inner` matches.
bool covers(std::string_view outer, std::string_view inner) {
    if (are_separated_by_dollar(outer, inner)) return false;
    Levels left(outer);
    Levels right(inner);
    while (true) {
        if (left.is_multi()) return true;
        if (right.is_multi()) return false;
        if (left.is_at_end() || right.is_at_end()) return left.is_at_end() && right.is_at_end();
        if (!left.is_single() && (right.is_single() || left.level() != right.level())) return false;
        left.advance();
        right.advance();
    }
}

}  // namespace ledge::auth
