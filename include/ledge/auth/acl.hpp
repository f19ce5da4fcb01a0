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
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/acl_rules.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

struct Policy;

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

struct Verdict {
    bool is_allowed = false;
    const AclRule* rule = nullptr;  // the rule that decided; nullptr = no rule grants access
    std::uint32_t compared = 0;     // number of rules that judge_subscription compared one by one
};

/// The rights of one client: the rules of an Acl, applied to a user name, a client id, and roles from a token. A Rights
/// borrows the Acls and the names, and copies only the list of roles. Only this list and judge_subscription allocate.
/// hold() makes the Rights an owner of the policy that contains the Acl, so the rules live as long as the Rights.
class Rights {
public:
    /// A role that the Acl does not have is ignored. If `granted` is given (Form::token), only `granted` can grant
    /// access, and `acl` can only deny.
    Rights(const Acl& acl, std::optional<std::string_view> user, std::string_view client_id,
           std::span<const std::string> roles = {}, const Acl* granted = nullptr);
    /// Keeps `policy` alive. Requires that the policy contains the Acl.
    void hold(std::shared_ptr<const Policy> policy) { policy_ = std::move(policy); }

    bool may_publish(std::string_view topic) const { return judge(topic, Access::write).is_allowed; }
    bool may_receive(std::string_view topic) const { return judge(topic, Access::read).is_allowed; }

    /// Decides about one topic, and tells the rule that decided.
    Verdict judge(std::string_view topic, Access wanted) const;
    /// Decides whether the client may receive at least one topic that `filter` matches. A subscription that could never
    /// bring a message is refused; otherwise the rules decide about each message. `filter` must be valid. Of a shared
    /// subscription, only the part behind "$share/GROUP/" counts.
    Verdict judge_subscription(std::string_view filter) const;

    /// Names the file, the line and the rule: "acl.conf:12 (topic deny a/#)", "acl.conf (no rule)".
    std::string explain(const Verdict& verdict) const;

private:
    template <class Find>
    Verdict decide(const Find& find) const;
    const Acl& home_of(const AclRule& rule) const;
    template <class Find>
    const AclRule* decide_among(const AclOwner* owner, std::span<const AclOwner* const> roles, const Find& find) const;
    template <class Visit>
    void visit(const AclOwner* owner, std::span<const AclOwner* const> roles, const Visit& visit_set) const;

    bool concerns(const AclRule& rule) const;
    /// True if the client's names can replace the placeholders of the rule. A name with '+', '#' or '/' would add
    /// wildcards or levels. A name that starts with '$', at the start of a filter, would name topics of the broker
    /// itself. A rule whose placeholders cannot be replaced does not apply to the client.
    bool can_be_expanded(const AclRule& rule) const;
    bool has_unusable_denial(const RuleSet& rules) const;
    bool matches(const AclRule& rule, std::string_view topic) const;
    bool matches_expanded(std::string_view filter, std::string_view topic) const;
    bool matches_level(std::string_view level, std::string_view text) const;
    std::string_view expanded(const AclRule& rule, std::string& scratch) const;
    const AclRule* find_for_filter(const RuleSet& rules, std::string_view filter, std::uint32_t& compared) const;

    std::shared_ptr<const Policy> policy_;  // see hold(); nullptr = the caller keeps the rules alive
    const Acl* acl_;
    const Acl* granted_;                  // nullptr = no token limits the grants
    const AclOwner* own_;                 // nullptr = the user has no rules of its own
    std::vector<const AclOwner*> roles_;  // roles that a token names
    std::optional<std::string_view> user_;
    std::string_view client_id_;
    bool has_special_name_;  // the user name or the client id has special characters; see can_be_expanded()
    // A denial with placeholders cannot be applied to this client's names. The grants beside such a denial could then
    // grant too much, so they are not used.
    bool has_own_unusable_denial_ = false;
    bool has_general_unusable_denial_ = false;  // among the rules for everybody
};

/// True if `rights` allow a client to receive this topic. nullptr = everything is allowed.
inline bool may_receive(const Rights* rights, std::string_view topic) {
    return rights == nullptr || rights->may_receive(topic);
}

}  // namespace ledge::auth
