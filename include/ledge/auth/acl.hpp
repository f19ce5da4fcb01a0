// Access control: who may publish to and receive from which topics. Two forms of file say it: mosquitto's acl_file,
// read here, and TOML with roles and groups, which config reads and hands in through AclBuilder. mosquitto's:
//
//   file   := { line "\n" }
//   line   := "user" name                          what follows is for this user, until the next such line
//           | "topic" [access] filter              for that user; before any "user" line: for clients without a user
//           | "pattern" [access] filter            for everybody; %u and %c stand for user name and client id
//           | "#" comment | ""
//   access := "read" | "write" | "readwrite" (the default) | "deny"
//
// For one client the rules stand in this order: the denials among its own rules and those of its roles, the grants
// among them, the denials for everybody, the grants for everybody. The first that matches the topic and concerns the
// question decides; nothing matching denies. A filter that begins with a wildcard does not match a topic that begins
// with '$' [MQTT-4.7.2-1].
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/acl_rules.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

/// Somebody who has rules.
struct AclOwner {
    enum class Kind : std::uint8_t { anonymous, everybody, user, role };
    using Number = std::uint32_t;  // its place among the owners

    Kind kind = Kind::user;
    std::string name;  // of users and roles
    RuleSet rules;
    std::vector<Number> roles;
};

class Acl {
public:
    enum class Form : std::uint8_t {
        mosquitto,
        toml,
        token,  // no file: the acl claim of a token, all of it for everybody
    };
    static constexpr std::size_t rules_max = 100'000;

    /// A file in mosquitto's form. `name` of the file, for explanations. Everything that is wrong, up to problems_max.
    static Result<Acl, std::vector<Problem>> parse(std::string_view text, std::string name);

    const std::string& name() const { return name_; }
    Form form() const { return form_; }
    const AclOwner& everybody() const { return owners_[1]; }
    /// Of a user, or of clients without one; nullptr: there are no rules for it.
    const AclOwner* find_user(std::optional<std::string_view> user) const;
    const AclOwner* find_role(std::string_view role) const { return find(roles_, role); }
    const AclOwner& owner(AclOwner::Number number) const { return owners_[number]; }
    /// Rules.
    std::size_t size() const { return size_; }
    /// Names of clients stand in for something in some rule.
    bool has_patterns() const { return has_patterns_; }

    std::span<const AclOwner> owners() const { return owners_; }

    /// The rule as it stands in the file: "topic read a/#", "[roles.operator] subscribe a/#".
    std::string text_of(const AclRule& rule) const;

private:
    friend class AclBuilder;
    using Names = std::vector<AclOwner::Number>;  // in order of the name
    const AclOwner* find(const Names& names, std::string_view name) const;

    std::string name_;
    Form form_ = Form::mosquitto;
    std::vector<AclOwner> owners_;  // the first two: clients without a user, everybody
    Names users_;
    Names roles_;
    std::size_t size_ = 0;
    bool has_patterns_ = false;
};

/// Puts an Acl together, whatever text it comes from.
class AclBuilder {
public:
    static constexpr AclOwner::Number anonymous = 0;
    static constexpr AclOwner::Number everybody = 1;

    AclBuilder(std::string name, Acl::Form form);

    /// Found or made.
    AclOwner::Number user(std::string_view name) { return find_or_make(users_, AclOwner::Kind::user, name); }
    AclOwner::Number role(std::string_view name) { return find_or_make(roles_, AclOwner::Kind::role, name); }
    bool has_role(std::string_view name) const { return roles_.find(name) != roles_.end(); }

    /// One more rule of `owner`; `rule` needs filter, line, access and is_denial. In the filter %u and %c stand for the
    /// client's names, but for mosquitto's "topic" lines. "" or what is wrong with it: "has no valid topic filter ...".
    std::string add(AclOwner::Number owner, AclRule rule);
    /// The owner has what the role has. False: Acl::rules_max such bonds exist already.
    bool give_role(AclOwner::Number owner, AclOwner::Number role);

    Acl finish();

private:
    using Names = std::map<std::string, AclOwner::Number, std::less<>>;
    AclOwner::Number find_or_make(Names& names, AclOwner::Kind kind, std::string_view name);

    Acl acl_;
    Names users_;
    Names roles_;
    std::size_t bonds_ = 0;
};

struct Verdict {
    bool is_allowed = false;
    const AclRule* rule = nullptr;  // nullptr: no rule grants it
    std::uint32_t compared = 0;     // rules, one by one, by judge_subscription
};

/// What one client may do: the rules of an Acl, seen by a user, a client id, and roles that a token has named. Borrows
/// all but the roles, and allocates only for them and in judge_subscription.
class Rights {
public:
    /// Roles that the Acl does not have mean nothing. `granted` (Form::token): then nothing else is granted, the Acl
    /// can only deny.
    Rights(const Acl& acl, std::optional<std::string_view> user, std::string_view client_id,
           std::span<const std::string> roles = {}, const Acl* granted = nullptr);

    bool may_publish(std::string_view topic) const { return judge(topic, Access::write).is_allowed; }
    bool may_receive(std::string_view topic) const { return judge(topic, Access::read).is_allowed; }

    /// The same, and why.
    Verdict judge(std::string_view topic, Access wanted) const;
    /// Whether something of what `filter` matches may be received: a subscription that could never bring anything is
    /// refused. The rest is decided for each message. `filter` is valid; with "$share/GROUP/" what follows counts.
    Verdict judge_subscription(std::string_view filter) const;

    /// "acl.conf:12 (topic deny a/#)", "acl.conf (no rule)".
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
    /// A name with '+', '#' or '/' would be wildcards or further levels, and one with '$' in front would make a topic
    /// of the broker's own where a filter begins with it: rules that contain such a name do not hold for its client.
    bool can_stand_in(const AclRule& rule) const;
    bool has_void_denial(const RuleSet& rules) const;
    bool matches(const AclRule& rule, std::string_view topic) const;
    bool matches_expanded(std::string_view filter, std::string_view topic) const;
    bool takes_level(std::string_view level, std::string_view text) const;
    std::string_view expanded(const AclRule& rule, std::string& scratch) const;
    const AclRule* find_for_filter(const RuleSet& rules, std::string_view filter, std::uint32_t& compared) const;

    const Acl* acl_;
    const Acl* granted_;  // nullptr: no token says what is granted
    const AclOwner* own_;
    std::vector<const AclOwner*> roles_;  // named by a token
    std::optional<std::string_view> user_;
    std::string_view client_id_;
    bool has_odd_name_;  // one of the two, so that can_stand_in() is asked
    // A denial that cannot be applied to this client's names: what stands beside it grants nothing.
    bool is_own_void_ = false;
    bool is_everybody_void_ = false;
};

}  // namespace ledge::auth
