// Rights: the rules as they apply to one client. The comment of acl.hpp says how they decide. A session owns the rights
// of its client; on the shard's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/auth/access.hpp"

namespace ledge::auth {

class Acl;
class RuleSet;
struct AclOwner;
struct AclRule;
struct Policy;

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
