// Access control: who may publish to and receive from which topics. The file has mosquitto's syntax and meaning.
//
//   file   := { line "\n" }
//   line   := "user" name                          what follows is for this user, until the next such line
//           | "topic" [access] filter              for that user; before any "user" line: for clients without a user
//           | "pattern" [access] filter            for everybody; %u and %c stand for user name and client id
//           | "#" comment | ""
//   access := "read" | "write" | "readwrite" (the default) | "deny"
//
// For one client the rules stand in this order: its own denials, its own grants, the denials among the patterns, the
// grants among the patterns. The first that matches the topic and concerns the question decides; nothing matching
// denies. A filter that begins with a wildcard does not match a topic that begins with '$' [MQTT-4.7.2-1].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/text_file.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

enum class Access : std::uint8_t { deny = 0, read = 1, write = 2, read_write = 3 };

struct AclRule {
    /// What decides how it is matched, found out once.
    enum class Shape : std::uint8_t { exact, subtree, wildcards, pattern };

    std::string filter;
    std::uint32_t line = 0;
    Access access = Access::read_write;
    Shape shape = Shape::exact;
    bool is_pattern = false;    // "pattern"
    bool names_user = false;    // has %u
    bool names_client = false;  // has %c
};

/// The rule as it stands in the file: "topic read a/#".
std::string to_text(const AclRule& rule);

/// Rules in the order in which they decide: denials first.
using AclRules = std::vector<AclRule>;

class Acl {
public:
    static constexpr std::size_t rules_max = 100'000;

    /// `name` of the file, for explanations. Everything that is wrong, up to problems_max.
    static Result<Acl, std::vector<Problem>> parse(std::string_view text, std::string name);

    const std::string& name() const { return name_; }
    /// Of a user, or of clients without one; nullptr: there are none.
    const AclRules* rules_of(std::optional<std::string_view> user) const;
    const AclRules& patterns() const { return patterns_; }
    std::size_t size() const { return size_; }

private:
    friend class AclReader;
    struct UserRules {
        std::string user;
        AclRules rules;
    };

    std::string name_;
    AclRules anonymous_;
    std::vector<UserRules> users_;  // in order of the user
    AclRules patterns_;
    std::size_t size_ = 0;
};

struct Verdict {
    bool is_allowed = false;
    const AclRule* rule = nullptr;  // nullptr: no rule grants it
};

/// What one client may do: the rules of an Acl, seen by a user and a client id. Borrows all three, owns nothing and
/// allocates only in may_subscribe.
class Rights {
public:
    Rights(const Acl& acl, std::optional<std::string_view> user, std::string_view client_id);

    bool may_publish(std::string_view topic) const { return judge(topic, Access::write).is_allowed; }
    bool may_receive(std::string_view topic) const { return judge(topic, Access::read).is_allowed; }

    /// The same, and why.
    Verdict judge(std::string_view topic, Access wanted) const;
    /// Whether something of what `filter` matches may be received: a subscription that could never bring anything is
    /// refused. The rest is decided for each message. `filter` is valid; with "$share/GROUP/" what follows counts.
    Verdict judge_subscription(std::string_view filter) const;

    /// "acl.conf:12 (topic deny a/#)", "acl.conf (no rule)".
    std::string explain(const Verdict& verdict) const;
    /// A user name or client id with '+', '#' or '/', or a '$' in front, cannot stand in a pattern: no pattern grants
    /// anything to such a client.
    bool is_shut_out_of_patterns() const { return is_shut_out_; }

private:
    bool concerns(const AclRule& rule) const;
    bool matches(const AclRule& rule, std::string_view topic) const;
    bool matches_expanded(std::string_view filter, std::string_view topic) const;
    bool takes_level(std::string_view level, std::string_view text) const;
    std::string expanded(const AclRule& rule) const;

    const Acl* acl_;
    const AclRules* own_;
    std::optional<std::string_view> user_;
    std::string_view client_id_;
    bool is_shut_out_;
};

}  // namespace ledge::auth
