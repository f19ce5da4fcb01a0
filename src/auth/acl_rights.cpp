// The rules of an ACL, applied to one client.
#include <algorithm>

#include "filter_sets.hpp"
#include "ledge/auth/acl.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::auth {
namespace {

// Wildcards and further levels would grant more than was meant, and so would a '$' at the start of a topic.
bool cannot_stand_in_a_topic(std::string_view name) {
    return name.starts_with('$') || name.find_first_of("+#/") != std::string_view::npos;
}

bool grants(Access granted, Access wanted) {
    return (static_cast<unsigned>(granted) & static_cast<unsigned>(wanted)) != 0;
}

/// The first level of `rest`, which becomes what follows it; `has_more`: there is a further level, maybe an empty one.
std::string_view take_level(std::string_view& rest, bool& has_more) {
    const std::size_t slash = rest.find('/');
    const std::string_view level = rest.substr(0, slash);
    has_more = slash != std::string_view::npos;
    rest = has_more ? rest.substr(slash + 1) : std::string_view();
    return level;
}

}  // namespace

Rights::Rights(const Acl& acl, std::optional<std::string_view> user, std::string_view client_id)
    : acl_(&acl),
      own_(acl.rules_of(user)),
      user_(user),
      client_id_(client_id),
      is_shut_out_((user && cannot_stand_in_a_topic(*user)) || cannot_stand_in_a_topic(client_id)) {}

Verdict Rights::judge(std::string_view topic, Access wanted) const {
    const auto decides = [&](const AclRule& rule) {
        return (rule.access == Access::deny || grants(rule.access, wanted)) && concerns(rule) && matches(rule, topic);
    };
    if (own_ != nullptr) {
        for (const AclRule& rule : *own_)
            if (decides(rule)) return {rule.access != Access::deny, &rule};
    }
    if (is_shut_out_) return {};
    for (const AclRule& rule : acl_->patterns())
        if (decides(rule)) return {rule.access != Access::deny, &rule};
    return {};
}

Verdict Rights::judge_subscription(std::string_view filter) const {
    if (const auto shared = topic::parse_shared(filter)) filter = shared->filter;
    if (!topic::has_wildcards(filter)) return judge(filter, Access::read);
    const AclRules none;
    const AclRules* const lists[] = {own_ != nullptr ? own_ : &none, is_shut_out_ ? &none : &acl_->patterns()};
    for (const AclRules* rules : lists) {
        for (const AclRule& rule : *rules) {
            if (!concerns(rule)) continue;
            if (rule.access == Access::deny) {
                if (covers(expanded(rule), filter)) return {false, &rule};
            } else if (grants(rule.access, Access::read) && overlap(expanded(rule), filter)) {
                return {true, &rule};
            }
        }
    }
    return {};
}

std::string Rights::explain(const Verdict& verdict) const {
    if (verdict.rule == nullptr) {
        return acl_->name() + (is_shut_out_ && !acl_->patterns().empty()
                                   ? " (no rule; a name with +, #, / or $ cannot stand in a pattern)"
                                   : " (no rule)");
    }
    return acl_->name() + ":" + std::to_string(verdict.rule->line) + " (" + to_text(*verdict.rule) + ")";
}

/// A pattern with %u says nothing about a client without a user.
bool Rights::concerns(const AclRule& rule) const { return !rule.names_user || user_.has_value(); }

bool Rights::matches(const AclRule& rule, std::string_view topic) const {
    const std::string_view filter = rule.filter;
    switch (rule.shape) {
        case AclRule::Shape::exact: return topic == filter;
        case AclRule::Shape::subtree: {  // "a/b/#": "a/b", and what begins with "a/b/"
            const std::size_t parent = filter.size() - 2;
            return topic.starts_with(filter.substr(0, parent)) && (topic.size() == parent || topic[parent] == '/');
        }
        case AclRule::Shape::wildcards: return topic::matches(filter, topic);
        case AclRule::Shape::pattern: return matches_expanded(filter, topic);
    }
    return false;
}

/// topic::matches with %u and %c put in on the way.
bool Rights::matches_expanded(std::string_view filter, std::string_view topic) const {
    const bool begins_with_wildcard = filter.starts_with('+') || filter.starts_with('#');
    if (begins_with_wildcard && topic.starts_with('$')) return false;
    for (bool has_filter = true, has_topic = true; has_filter;) {
        const std::string_view level = take_level(filter, has_filter);
        if (level == "#") return true;
        if (!has_topic) return false;
        const std::string_view text = take_level(topic, has_topic);
        if (level != "+" && !takes_level(level, text)) return false;
        if (!has_filter) return !has_topic;
    }
    return false;
}

bool Rights::takes_level(std::string_view level, std::string_view text) const {
    while (!level.empty()) {
        const bool is_user = level.starts_with("%u");
        const bool is_name = is_user || level.starts_with("%c");
        const std::string_view expected = is_user ? *user_ : is_name ? client_id_ : level.substr(0, 1);
        if (!text.starts_with(expected)) return false;
        level.remove_prefix(is_name ? 2 : 1);
        text.remove_prefix(expected.size());
    }
    return text.empty();
}

std::string Rights::expanded(const AclRule& rule) const {
    if (rule.shape != AclRule::Shape::pattern) return rule.filter;
    std::string out;
    for (std::size_t i = 0; i < rule.filter.size(); ++i) {
        const std::string_view here = std::string_view(rule.filter).substr(i, 2);
        const bool is_name = here == "%c" || (here == "%u" && user_);
        if (!is_name)
            out += rule.filter[i];
        else
            out += here == "%c" ? client_id_ : *user_;
        if (is_name) ++i;
    }
    return out;
}

}  // namespace ledge::auth
