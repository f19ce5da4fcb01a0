// The rules of an ACL, applied to one client.
#include <algorithm>

#include "filter_sets.hpp"
#include "ledge/auth/acl.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::auth {
namespace {

constexpr std::string_view special = "+#/";

bool is_odd(std::string_view name) {
    return name.starts_with('$') || name.find_first_of(special) != std::string_view::npos;
}

bool can_name_stand_in(std::string_view name, std::string_view placeholder, std::string_view filter) {
    if (name.find_first_of(special) != std::string_view::npos) return false;
    return !name.starts_with('$') || !filter.starts_with(placeholder);
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

Rights::Rights(const Acl& acl, std::optional<std::string_view> user, std::string_view client_id,
               std::span<const std::string> roles, const Acl* granted)
    : acl_(&acl),
      granted_(granted),
      own_(acl.find_user(user)),
      user_(user),
      client_id_(client_id),
      has_odd_name_((user && is_odd(*user)) || is_odd(client_id)) {
    for (const std::string& name : roles)
        if (const AclOwner* role = acl.find_role(name)) roles_.push_back(role);
    if (!has_odd_name_) return;
    visit(own_, roles_, [&](const RuleSet& rules) { is_own_void_ = is_own_void_ || has_void_denial(rules); });
    visit(&acl.everybody(), {},
          [&](const RuleSet& rules) { is_everybody_void_ = is_everybody_void_ || has_void_denial(rules); });
}

bool Rights::has_void_denial(const RuleSet& rules) const {
    return rules.has_pattern_denial() && std::ranges::any_of(rules.all(), [this](const AclRule& rule) {
               return rule.is_denial && rule.has_placeholders() && !can_stand_in(rule);
           });
}

bool Rights::can_stand_in(const AclRule& rule) const {
    const bool is_user_right = !rule.names_user || !user_ || can_name_stand_in(*user_, "%u", rule.filter);
    return is_user_right && (!rule.names_client || can_name_stand_in(client_id_, "%c", rule.filter));
}

template <class Visit>
void Rights::visit(const AclOwner* owner, std::span<const AclOwner* const> roles, const Visit& visit_set) const {
    if (owner != nullptr) {
        visit_set(owner->rules);
        for (const AclOwner::Number role : owner->roles) visit_set(acl_->owner(role).rules);
    }
    for (const AclOwner* role : roles) visit_set(role->rules);
}

/// `find` gives the rule of a set that decides there: a denial if there is one.
template <class Find>
const AclRule* Rights::decide_among(const AclOwner* owner, std::span<const AclOwner* const> roles,
                                    const Find& find) const {
    const AclRule* decisive = nullptr;
    visit(owner, roles, [&](const RuleSet& rules) {
        if (decisive != nullptr && decisive->is_denial) return;
        const AclRule* found = find(rules);
        if (found != nullptr && (decisive == nullptr || found->is_denial)) decisive = found;
    });
    return decisive;
}

template <class Find>
Verdict Rights::decide(const Find& find) const {
    const AclRule* rule = is_own_void_ ? nullptr : decide_among(own_, roles_, find);
    if (rule == nullptr && !is_everybody_void_) rule = decide_among(&acl_->everybody(), {}, find);
    if (granted_ != nullptr && (rule == nullptr || !rule->is_denial))
        rule = is_own_void_ || is_everybody_void_ ? nullptr : find(granted_->everybody().rules);
    return {rule != nullptr && !rule->is_denial, rule};
}

Verdict Rights::judge(std::string_view topic, Access wanted) const {
    const auto decides = [&](const AclRule& rule) {
        return rule.concerns(wanted) && concerns(rule) && matches(rule, topic);
    };
    return decide([&](const RuleSet& rules) { return rules.first(topic, decides); });
}

Verdict Rights::judge_subscription(std::string_view filter) const {
    if (const auto shared = topic::parse_shared(filter)) filter = shared->filter;
    if (!topic::has_wildcards(filter)) return judge(filter, Access::read);
    std::uint32_t compared = 0;
    Verdict verdict = decide([&](const RuleSet& rules) { return find_for_filter(rules, filter, compared); });
    verdict.compared = compared;
    return verdict;
}

const AclRule* Rights::find_for_filter(const RuleSet& rules, std::string_view filter, std::uint32_t& compared) const {
    std::string scratch;
    for (const AclRule& rule : rules.all()) {
        ++compared;
        if (!rule.concerns(Access::read) || !concerns(rule)) continue;
        const std::string_view meant = expanded(rule, scratch);
        if (rule.is_denial ? covers(meant, filter) : overlap(meant, filter)) return &rule;
    }
    return nullptr;
}

const Acl& Rights::home_of(const AclRule& rule) const {
    if (granted_ == nullptr) return *acl_;
    const auto& all = granted_->everybody().rules.all();
    const bool is_granted = std::ranges::any_of(all, [&](const AclRule& other) { return &other == &rule; });
    return is_granted ? *granted_ : *acl_;
}

std::string Rights::explain(const Verdict& verdict) const {
    if (verdict.rule == nullptr && granted_ != nullptr) return granted_->name() + " (no rule)";
    if (verdict.rule == nullptr) {
        const bool has_odd_user = user_ && is_odd(*user_);
        return acl_->name() + (has_odd_name_ && acl_->has_patterns()
                                   ? std::string(" (no rule; the ") + (has_odd_user ? "user name" : "client id") +
                                         " cannot stand for " + (has_odd_user ? "%u" : "%c") +
                                         ", as it contains +, # or /, or begins with $)"
                                   : " (no rule)");
    }
    const Acl& home = home_of(*verdict.rule);
    return home.name() + ":" + std::to_string(verdict.rule->line) + " (" + home.text_of(*verdict.rule) + ")";
}

/// A pattern with %u says nothing about a client without a user, and none about one whose name cannot stand in it.
bool Rights::concerns(const AclRule& rule) const {
    if (!rule.has_placeholders()) return true;
    if (rule.names_user && !user_) return false;
    return !has_odd_name_ || can_stand_in(rule);
}

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

/// The filter with the client's names in it; in `scratch` where it has any.
std::string_view Rights::expanded(const AclRule& rule, std::string& scratch) const {
    if (rule.shape != AclRule::Shape::pattern) return rule.filter;
    scratch.clear();
    for (std::size_t i = 0; i < rule.filter.size(); ++i) {
        const std::string_view here = std::string_view(rule.filter).substr(i, 2);
        const bool is_name = here == "%c" || (here == "%u" && user_);
        if (!is_name)
            scratch += rule.filter[i];
        else
            scratch += here == "%c" ? client_id_ : *user_;
        if (is_name) ++i;
    }
    return scratch;
}

}  // namespace ledge::auth
