// Acl and AclBuilder: the rules with their owners.
#include "ledge/auth/acl.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::auth {
namespace {

/// The simplest shape that fits the filter, because simple shapes are matched faster.
AclRule::Shape shape_of(const AclRule& rule) {
    if (rule.has_placeholders()) return AclRule::Shape::pattern;
    const std::string_view filter = rule.filter;
    if (!topic::has_wildcards(filter)) return AclRule::Shape::exact;
    const bool is_subtree = filter.ends_with("/#") && !topic::has_wildcards(filter.substr(0, filter.size() - 2));
    return is_subtree ? AclRule::Shape::subtree : AclRule::Shape::wildcards;
}

/// The access word of the rule in the form of mosquitto.
std::string_view word_of(const AclRule& rule) {
    if (rule.is_denial) return "deny";
    return rule.access == Access::read ? "read" : rule.access == Access::write ? "write" : "readwrite";
}

/// The key of the rule in the TOML form.
std::string_view key_of(const AclRule& rule) {
    if (rule.access == Access::read_write) return rule.is_denial ? "deny" : "allow";
    if (rule.access == Access::write) return rule.is_denial ? "deny_publish" : "publish";
    return rule.is_denial ? "deny_subscribe" : "subscribe";
}

/// The table of the owner in the TOML form.
std::string title_of(const AclOwner& owner) {
    switch (owner.kind) {
        case AclOwner::Kind::anonymous: return "[anonymous]";
        case AclOwner::Kind::everybody: return "[everybody]";
        case AclOwner::Kind::user: return "[users." + owner.name + "]";
        case AclOwner::Kind::role: return "[roles." + owner.name + "]";
    }
    return {};
}

}  // namespace

const AclOwner* Acl::find_user(std::optional<std::string_view> user) const {
    return user ? find(users_, *user) : &owners_[AclBuilder::anonymous];
}

const AclOwner* Acl::find(const Names& names, std::string_view name) const {
    const auto name_of = [this](AclOwner::Number number) -> std::string_view { return owners_[number].name; };
    const auto found = std::ranges::lower_bound(names, name, {}, name_of);
    return found != names.end() && owners_[*found].name == name ? &owners_[*found] : nullptr;
}

std::string Acl::text_of(const AclRule& rule) const {
    LEDGE_ASSERT(rule.owner < owners_.size());
    const AclOwner& of = owners_[rule.owner];
    if (form_ == Form::token) return std::string(key_of(rule)) + " " + rule.filter;
    if (form_ == Form::toml) return title_of(of) + " " + std::string(key_of(rule)) + " " + rule.filter;
    const bool is_pattern = of.kind == AclOwner::Kind::everybody;
    return (is_pattern ? "pattern " : "topic ") + std::string(word_of(rule)) + " " + rule.filter;
}

AclBuilder::AclBuilder(std::string name, Acl::Form form) {
    acl_.name_ = std::move(name);
    acl_.form_ = form;
    acl_.owners_.push_back({AclOwner::Kind::anonymous, {}, {}, {}});
    acl_.owners_.push_back({AclOwner::Kind::everybody, {}, {}, {}});
}

AclOwner::Number AclBuilder::find_or_make(Names& names, AclOwner::Kind kind, std::string_view name) {
    const auto found = names.find(name);
    if (found != names.end()) return found->second;
    const auto number = static_cast<AclOwner::Number>(acl_.owners_.size());
    acl_.owners_.push_back({kind, std::string(name), {}, {}});
    names.emplace(name, number);
    return number;
}

std::string AclBuilder::add(AclOwner::Number owner, AclRule rule) {
    LEDGE_ASSERT(owner < acl_.owners_.size());
    if (acl_.size_ == Acl::rules_max)
        return "is one rule too many; at most " + std::to_string(Acl::rules_max) + " rules are allowed";
    if (topic::is_shared(rule.filter)) return "names a shared subscription; name the topics behind $share/GROUP/";
    if (!topic::is_valid_filter(rule.filter, topic::levels_hard_max) || !wire::is_valid_utf8(rule.filter))
        return "has no valid topic filter; '#' must stand alone in the last level, and '+' alone in its level";
    // As in mosquitto, %u and %c have no meaning in "topic" lines.
    if (acl_.form_ != Acl::Form::mosquitto || owner == everybody) {
        rule.names_user = rule.filter.find("%u") != std::string::npos;
        rule.names_client = rule.filter.find("%c") != std::string::npos;
    }
    rule.shape = shape_of(rule);
    rule.owner = owner;
    const bool is_pattern = rule.has_placeholders() || (acl_.form_ == Acl::Form::mosquitto && owner == everybody);
    acl_.has_patterns_ = acl_.has_patterns_ || is_pattern;
    acl_.owners_[owner].rules.add(std::move(rule));
    ++acl_.size_;
    return {};
}

bool AclBuilder::give_role(AclOwner::Number owner, AclOwner::Number role) {
    LEDGE_ASSERT(owner < acl_.owners_.size() && role < acl_.owners_.size());
    std::vector<AclOwner::Number>& roles = acl_.owners_[owner].roles;
    if (std::ranges::find(roles, role) != roles.end()) return true;
    if (role_assignments_ == Acl::rules_max) return false;
    ++role_assignments_;
    roles.push_back(role);
    return true;
}

Acl AclBuilder::finish() {
    for (AclOwner& owner : acl_.owners_) owner.rules.seal();
    // The maps are sorted by name, and so are the lists that find() searches.
    for (const auto& [name, number] : users_) acl_.users_.push_back(number);
    for (const auto& [name, number] : roles_) acl_.roles_.push_back(number);
    return std::move(acl_);
}

}  // namespace ledge::auth
