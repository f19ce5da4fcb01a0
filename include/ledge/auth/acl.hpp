// Access control lists: which topics a client may publish to and receive from. The rules come from a file in one of two
// forms. This module parses the acl_file of mosquitto. The module config parses the TOML form with roles and groups,
// and builds the rules with AclBuilder. An Acl does not change after it was built. The form of mosquitto:
//
//   file   := { line "\n" }
//   line   := "user" name                  the "topic" lines up to the next "user" line are rules of this user
//           | "topic" [access] filter      a rule; before the first "user" line: for clients without a user name
//           | "pattern" [access] filter    a rule for everybody; %u and %c stand for user name and client id
//           | "#" comment | ""
//   access := "read" | "write" | "readwrite" (the default) | "deny"
//
// For one client, the rules have this order: first the denials among its own rules and the rules of its roles, then the
// grants among these rules, then the denials for everybody, then the grants for everybody. The first rule that matches
// the topic and concerns the access in question decides. If no rule matches, access is denied. A filter that begins
// with a wildcard does not match a topic that begins with '$' [MQTT-4.7.2-1].
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/acl_rules.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

struct Problem;

/// An owner of rules: a user, a role, all clients without a user name, or everybody.
struct AclOwner {
    enum class Kind : std::uint8_t { anonymous, everybody, user, role };
    using Number = std::uint32_t;  // index in the list of owners

    Kind kind = Kind::user;
    std::string name;  // empty for `anonymous` and `everybody`
    RuleSet rules;
    std::vector<Number> roles;
};

class Acl {
public:
    enum class Form : std::uint8_t {
        mosquitto,
        toml,
        token,  // not a file but the acl claim of a token; all its rules belong to `everybody`
    };
    static constexpr std::size_t rules_max = 100'000;

    /// Parses a file in the form of mosquitto. `name` is the name of the file, for explanations. The error lists all
    /// problems of the file, up to problems_max.
    static Result<Acl, std::vector<Problem>> parse(std::string_view text, std::string name);

    const std::string& name() const { return name_; }
    Form form() const { return form_; }
    const AclOwner& everybody() const { return owners_[1]; }
    /// Returns the owner for a user, or the owner for all clients without a user name. nullptr = the user has no rules.
    const AclOwner* find_user(std::optional<std::string_view> user) const;
    const AclOwner* find_role(std::string_view role) const { return find(roles_, role); }
    const AclOwner& owner(AclOwner::Number number) const { return owners_[number]; }
    /// Returns the number of rules.
    std::size_t size() const { return size_; }
    /// True if some rule is a "pattern" line or contains %u or %c.
    bool has_patterns() const { return has_patterns_; }

    std::span<const AclOwner> owners() const { return owners_; }

    /// Returns the rule as it is written in the file: "topic read a/#", "[roles.operator] subscribe a/#".
    std::string text_of(const AclRule& rule) const;

private:
    friend class AclBuilder;
    using Names = std::vector<AclOwner::Number>;  // sorted by name
    const AclOwner* find(const Names& names, std::string_view name) const;

    std::string name_;
    Form form_ = Form::mosquitto;
    std::vector<AclOwner> owners_;  // the first is `anonymous`, the second is `everybody`
    Names users_;
    Names roles_;
    std::size_t size_ = 0;
    bool has_patterns_ = false;
};

/// Builds an Acl, rule by rule. The readers of all forms use this builder.
class AclBuilder {
public:
    static constexpr AclOwner::Number anonymous = 0;
    static constexpr AclOwner::Number everybody = 1;

    AclBuilder(std::string name, Acl::Form form);

    /// Returns the owner with this name. A new name becomes a new owner.
    AclOwner::Number user(std::string_view name) { return find_or_make(users_, AclOwner::Kind::user, name); }
    AclOwner::Number role(std::string_view name) { return find_or_make(roles_, AclOwner::Kind::role, name); }
    bool has_role(std::string_view name) const { return roles_.find(name) != roles_.end(); }

    /// Adds a rule to `owner`. The caller sets filter, line, access and is_denial of the rule. In the filter, %u and %c
    /// stand for the names of the client, except in the "topic" lines of mosquitto. Returns an empty text, or what is
    /// wrong with the rule: "has no valid topic filter ...".
    std::string add(AclOwner::Number owner, AclRule rule);
    /// Gives all rules of the role to the owner. False = Acl::rules_max such assignments exist already.
    bool give_role(AclOwner::Number owner, AclOwner::Number role);

    /// Returns the finished Acl. Ends the use of this builder.
    Acl finish();

private:
    using Names = std::map<std::string, AclOwner::Number, std::less<>>;
    AclOwner::Number find_or_make(Names& names, AclOwner::Kind kind, std::string_view name);

    Acl acl_;
    Names users_;
    Names roles_;
    std::size_t role_assignments_ = 0;
};

}  // namespace ledge::auth
