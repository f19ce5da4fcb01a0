// Compares filters level by level.
#include "filter_sets.hpp"

#include <algorithm>

namespace ledge::auth {
namespace {

/// Returns the levels of a filter one by one.
class Levels {
public:
    explicit Levels(std::string_view filter) : rest_(filter) {}
    bool is_at_end() const { return is_at_end_; }
    std::string_view level() const { return rest_.substr(0, rest_.find('/')); }
    bool is_multi() const { return !is_at_end_ && level() == "#"; }
    bool is_single() const { return !is_at_end_ && level() == "+"; }
    void advance() {
        const std::size_t slash = rest_.find('/');
        is_at_end_ = slash == std::string_view::npos;
        rest_.remove_prefix(std::min(slash + 1, rest_.size()));
        if (is_at_end_) rest_ = {};
    }

private:
    std::string_view rest_;
    bool is_at_end_ = false;
};

bool begins_with_wildcard(std::string_view filter) { return filter.starts_with('+') || filter.starts_with('#'); }

/// True if one filter begins with a wildcard and the other with '$'. Then no topic matches both [MQTT-4.7.2-1].
bool are_separated_by_dollar(std::string_view a, std::string_view b) {
    return (begins_with_wildcard(a) && b.starts_with('$')) || (begins_with_wildcard(b) && a.starts_with('$'));
}

}  // namespace

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
