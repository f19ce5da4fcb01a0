// Rights: applies the rules of an ACL to one client.
#include <algorithm>

#include "filter_sets.hpp"
#include "ledge/auth/acl.hpp"
#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/topic/levels.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::auth {
namespace {

constexpr std::string_view special_characters = "+#/";

bool is_special(std::string_view name) {
    return name.starts_with('$') || name.find_first_of(special_characters) != std::string_view::npos;
}

/// True if the name can replace the placeholder in the filter; see Rights::can_be_expanded.
bool can_replace(std::string_view name, std::string_view placeholder, std::string_view filter) {
    if (name.find_first_of(special_characters) != std::string_view::npos) return false;
    return !name.starts_with('$') || !filter.starts_with(placeholder);
}

}  // namespace

Rights::Rights(const Acl& acl, std::optional<std::string_view> user, std::string_view client_id,
               std::span<const std::string> roles, const Acl* granted)
    : acl_(&acl),
      granted_(granted),
      own_(acl.find_user(user)),
      user_(user),
      client_id_(client_id),
      has_special_name_((user && is_special(*user)) || is_special(client_id)) {
    for (const std::string& name : roles)
        if (const AclOwner* role = acl.find_role(name)) roles_.push_back(role);
    if (!has_special_name_) return;
    visit(own_, roles_, [&](const RuleSet& rules) {
        has_own_unusable_denial_ = has_own_unusable_denial_ || has_unusable_denial(rules);
    });
    visit(&acl.everybody(), {}, [&](const RuleSet& rules) {
        has_general_unusable_denial_ = has_general_unusable_denial_ || has_unusable_denial(rules);
    });
}

bool Rights::has_unusable_denial(const RuleSet& rules) const {
    return rules.has_pattern_denial() && std::ranges::any_of(rules.all(), [this](const AclRule& rule) {
               return rule.is_denial && rule.has_placeholders() && !can_be_expanded(rule);
           });
}

bool Rights::can_be_expanded(const AclRule& rule) const {
    const bool is_user_right = !rule.names_user || !user_ || can_replace(*user_, "%u", rule.filter);
    return is_user_right && (!rule.names_client || can_replace(client_id_, "%c", rule.filter));
}

template <class Visit>
void Rights::visit(const AclOwner* owner, std::span<const AclOwner* const> roles, const Visit& visit_set) const {
    if (owner != nullptr) {
        visit_set(owner->rules);
        for (const AclOwner::Number role : owner->roles) visit_set(acl_->owner(role).rules);
    }
    for (const AclOwner* role : roles) visit_set(role->rules);
}

/// The rule that decides among the rules of the owner and the roles: the first denial, or else the first grant. `find`
/// returns the deciding rule of one set, which is a denial if some denial matches.
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
    // The client's own rules come before the rules for everybody. An acl claim of a token then replaces every grant.
    const AclRule* rule = has_own_unusable_denial_ ? nullptr : decide_among(own_, roles_, find);
    if (rule == nullptr && !has_general_unusable_denial_) rule = decide_among(&acl_->everybody(), {}, find);
    if (granted_ != nullptr && (rule == nullptr || !rule->is_denial))
        rule = has_own_unusable_denial_ || has_general_unusable_denial_ ? nullptr : find(granted_->everybody().rules);
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
        // A denial decides only if it forbids everything that the filter matches. A grant decides if it allows a part.
        const std::string_view expanded_filter = expanded(rule, scratch);
        if (rule.is_denial ? covers(expanded_filter, filter) : overlap(expanded_filter, filter)) return &rule;
    }
    return nullptr;
}

/// The Acl that contains the rule: that of the token, or that of the broker.
const Acl& Rights::home_of(const AclRule& rule) const {
    if (granted_ == nullptr) return *acl_;
    const auto& all = granted_->everybody().rules.all();
    const bool is_granted = std::ranges::any_of(all, [&](const AclRule& other) { return &other == &rule; });
    return is_granted ? *granted_ : *acl_;
}

std::string Rights::explain(const Verdict& verdict) const {
    if (verdict.rule == nullptr && granted_ != nullptr) return granted_->name() + " (no rule)";
    if (verdict.rule == nullptr) {
        const bool is_user_special = user_ && is_special(*user_);
        return acl_->name() + (has_special_name_ && acl_->has_patterns()
                                   ? std::string(" (no rule; the ") + (is_user_special ? "user name" : "client id") +
                                         " cannot stand for " + (is_user_special ? "%u" : "%c") +
                                         ", as it contains +, # or /, or begins with $)"
                                   : " (no rule)");
    }
    const Acl& home = home_of(*verdict.rule);
    return home.name() + ":" + std::to_string(verdict.rule->line) + " (" + home.text_of(*verdict.rule) + ")";
}

/// True if the rule applies to this client. A rule with %u does not apply to a client without a user name. A rule with
/// placeholders does not apply to a client whose names cannot replace them.
bool Rights::concerns(const AclRule& rule) const {
    if (!rule.has_placeholders()) return true;
    if (rule.names_user && !user_) return false;
    return !has_special_name_ || can_be_expanded(rule);
}

bool Rights::matches(const AclRule& rule, std::string_view topic) const {
    const std::string_view filter = rule.filter;
    switch (rule.shape) {
        case AclRule::Shape::exact: return topic == filter;
        case AclRule::Shape::subtree: {  // "a/b/#" matches "a/b", and every topic that begins with "a/b/"
            const std::size_t parent = filter.size() - 2;
            return topic.starts_with(filter.substr(0, parent)) && (topic.size() == parent || topic[parent] == '/');
        }
        case AclRule::Shape::wildcards: return topic::matches(filter, topic);
        case AclRule::Shape::pattern: return matches_expanded(filter, topic);
    }
    return false;
}

/// As topic::matches, but %u and %c in the filter stand for the client's names. Nothing is copied.
bool Rights::matches_expanded(std::string_view filter, std::string_view topic) const {
    const bool begins_with_wildcard = filter.starts_with('+') || filter.starts_with('#');
    if (begins_with_wildcard && topic.starts_with('$')) return false;
    topic::LevelSplitter topic_levels(topic);
    for (topic::LevelSplitter levels(filter); !levels.is_done();) {
        const std::string_view level = levels.next();
        if (level == "#") return true;
        if (topic_levels.is_done()) return false;
        const std::string_view text = topic_levels.next();
        if (level != "+" && !matches_level(level, text)) return false;
    }
    return topic_levels.is_done();
}

/// Compares one level of a filter with one level of a topic.
bool Rights::matches_level(std::string_view level, std::string_view text) const {
    while (!level.empty()) {
        const bool is_user = level.starts_with("%u");
        const bool is_name = is_user || level.starts_with("%c");
        LEDGE_ASSERT(!is_user || user_);  // concerns() has excluded clients without a user name
        const std::string_view expected = is_user ? *user_ : is_name ? client_id_ : level.substr(0, 1);
        if (!text.starts_with(expected)) return false;
        level.remove_prefix(is_name ? 2 : 1);
        text.remove_prefix(expected.size());
    }
    return text.empty();
}

/// The filter with the client's names in place of %u and %c. `scratch` holds the text if the filter has placeholders.
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
