// Builds an ACL from the assignments of a TOML file: roles first, then rules, then the members of groups.
#include "acl_toml.hpp"

#include <algorithm>
#include <map>

#include "ledge/auth/password_file.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "nearest.hpp"
#include "toml_file.hpp"

namespace ledge::config {
namespace {

using Owner = auth::AclOwner::Number;
using Texts = std::vector<std::string>;

struct RuleKey {
    std::string_view name;
    auth::Access access;
    bool is_denial;
};
// The keys that hold filters, with the rights that each one grants or denies (acl_toml.hpp).
constexpr RuleKey rule_keys[] = {
    {"publish", auth::Access::write, false},      {"subscribe", auth::Access::read, false},
    {"allow", auth::Access::read_write, false},   {"deny_publish", auth::Access::write, true},
    {"deny_subscribe", auth::Access::read, true}, {"deny", auth::Access::read_write, true},
};

/// "a, b and c"
std::string listed(const Texts& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i)
        out += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
    return out;
}

/// A key of the file for a complaint. It is cut, because a line of a file may be 1 KiB long.
std::string shown(std::string_view word) {
    constexpr std::size_t shown_bytes_max = 60;
    return quoted(word.substr(0, shown_bytes_max));
}

/// Reads one file. Used once.
class AclToml {
public:
    explicit AclToml(const std::string& file_name) : builder_(file_name, auth::Acl::Form::toml), name_(file_name) {}

    Result<auth::Acl, std::vector<Complaint>> run(const std::vector<Assignment>& assignments) {
        // Roles come first, because a user may name a role whose section stands below.
        for (const Assignment& assignment : assignments)
            if (assignment.path.front() == "roles" && assignment.path.size() > 1) builder_.role(assignment.path[1]);
        for (const Assignment& assignment : assignments) read(assignment);
        // Groups come last, because their roles and their users may stand anywhere in the file.
        for (const auto& [group, members] : groups_) give_roles(members);
        if (!complaints_.empty()) return Failure{std::move(complaints_)};
        return builder_.finish();
    }

private:
    /// One text of a list, with its line.
    struct Named {
        std::string name;
        std::uint32_t line;
    };
    struct Group {
        std::vector<Named> users;
        std::vector<Named> roles;
    };

    /// At most complaints_max complaints are kept, so that a file full of mistakes costs little memory.
    void complain(std::uint32_t line, std::string text) {
        if (complaints_.size() < complaints_max)
            complaints_.push_back({name_ + ":" + std::to_string(line), std::move(text)});
    }

    void complain_unknown(const Assignment& assignment, std::string_view word, const Texts& known) {
        // A short list of keys is shown whole if no key is near enough for a guess.
        const std::string meant = nearest(word, known);
        complain(assignment.line, "key " + shown(word) + " is unknown here; " +
                                      (meant.empty() ? "there are " + listed(known) : "did you mean '" + meant + "'?"));
    }

    /// path := ("roles" | "users" | "groups") NAME KEY | ("anonymous" | "everybody") KEY. A shorter path is a section
    /// without keys.
    void read(const Assignment& assignment) {
        const Texts& path = assignment.path;
        LEDGE_ASSERT(!path.empty());
        const std::string& section = path.front();
        const bool is_named = section == "roles" || section == "users" || section == "groups";
        if (!is_named && section != "anonymous" && section != "everybody")
            return complain_unknown(assignment, section, {"roles", "users", "groups", "anonymous", "everybody"});
        // The position of the key in the path: 2 behind a section with a name, as in users.NAME.KEY, otherwise 1.
        const std::size_t keys_at = is_named ? 2 : 1;
        if (path.size() <= keys_at) return check_section(assignment, is_named && path.size() == 1);
        // A longer path is a table in the place of a list, for example [users.NAME.publish].
        if (path.size() > keys_at + 1)
            return complain(assignment.line, "'" + path[keys_at] + "' must be a list of texts, like [\"a\", \"b\"]");
        if (section == "users" && !auth::is_user_name(path[1]))
            return complain(assignment.line,
                            "names an invalid user: a user name has 1 to 1024 bytes of text, and no ':'");
        // A group owns no rules; its members get the roles.
        if (section == "groups") return read_group_key(assignment);
        read_owner_key(assignment, owner_of(path));
    }

    /// Complains about a value in the place of a section, or a section without its name. An empty section is allowed.
    void check_section(const Assignment& assignment, bool lacks_name) {
        // toml_file.cpp gives an empty section as an assignment whose value is a table.
        const auto* other = std::get_if<OtherValue>(&assignment.value);
        const std::string& section = assignment.path.front();
        if (lacks_name || other == nullptr || other->kind != table_kind)
            complain(assignment.line,
                     "'" + section + "' is not a section; write " +
                         (section == "anonymous" || section == "everybody" ? "[" + section + "]"
                                                                           : "[" + section + ".NAME]"));
    }

    Owner owner_of(const Texts& path) {
        if (path.front() == "anonymous") return auth::AclBuilder::anonymous;
        if (path.front() == "everybody") return auth::AclBuilder::everybody;
        // The builder makes an owner on first use, so the order of sections does not matter.
        return path.front() == "users" ? builder_.user(path[1]) : builder_.role(path[1]);
    }

    /// The texts of a list with their lines. Empty if the value is no list; then a complaint has been added.
    std::vector<Named> list_of(const Assignment& assignment) {
        std::vector<Named> out;
        const auto* texts = std::get_if<TextList>(&assignment.value);
        if (texts == nullptr)
            complain(assignment.line, "'" + assignment.path.back() +
                                          "' must be a list of texts, like [\"a\", \"b\"], not " +
                                          describe(assignment.value));
        // Each text has its own line, because a list may have many lines, and a complaint must name the right one.
        LEDGE_ASSERT(texts == nullptr || texts->size() == assignment.element_lines.size());
        for (std::size_t i = 0; texts != nullptr && i < texts->size(); ++i)
            out.push_back({(*texts)[i], assignment.element_lines[i]});
        return out;
    }

    /// A key of a role, of a user, of [anonymous] or of [everybody]: a list of filters, or a list of roles.
    void read_owner_key(const Assignment& assignment, Owner owner) {
        const std::string& key = assignment.path.back();
        const auto rule_key = std::ranges::find(rule_keys, key, &RuleKey::name);
        if (rule_key != std::end(rule_keys)) {
            for (Named& filter : list_of(assignment)) {
                auth::AclRule rule;
                rule.filter = std::move(filter.name);
                rule.line = filter.line;
                rule.access = rule_key->access;
                rule.is_denial = rule_key->is_denial;
                const std::string problem = builder_.add(owner, std::move(rule));
                if (!problem.empty()) complain(filter.line, "the rule " + problem);
            }
            return;
        }
        // A role has no roles of its own, so roles can never include each other in a circle.
        const bool may_have_roles = assignment.path.front() != "roles";
        if (key == "roles" && may_have_roles) {
            for (const Named& role : list_of(assignment)) give_role(owner, role);
            return;
        }
        // The complaint proposes only keys that may stand in this section.
        Texts known;
        for (const RuleKey& one : rule_keys) known.emplace_back(one.name);
        if (may_have_roles) known.emplace_back("roles");
        complain_unknown(assignment, key, known);
    }

    /// A key of a group. Its members get their roles at the end, when all users and roles are known.
    void read_group_key(const Assignment& assignment) {
        const std::string& key = assignment.path.back();
        Group& group = groups_[assignment.path[1]];
        if (key != "users" && key != "roles") return complain_unknown(assignment, key, {"users", "roles"});
        for (Named& one : list_of(assignment)) {
            if (key == "users" && !auth::is_user_name(one.name))
                complain(one.line, "names an invalid user: a user name has 1 to 1024 bytes of text, and no ':'");
            else
                (key == "users" ? group.users : group.roles).push_back(std::move(one));
        }
    }

    void give_roles(const Group& group) {
        for (const Named& role : group.roles) {
            // One complaint for the role, not one for each member of the group.
            if (!check_role(role)) continue;
            for (const Named& user : group.users)
                // After the limit of pairs is reached, every further user would cause an equal complaint.
                if (!give_role(builder_.user(user.name), role)) return;
        }
    }

    /// False: there is no such role, and a complaint has been added.
    bool check_role(const Named& role) {
        if (!builder_.has_role(role.name))
            complain(role.line, "there is no role " + shown(role.name) + "; write [roles.NAME] with its rules");
        return builder_.has_role(role.name);
    }

    /// False: the role cannot be given, and a complaint has been added.
    bool give_role(Owner owner, const Named& role) {
        if (!check_role(role)) return false;
        const bool is_given = builder_.give_role(owner, builder_.role(role.name));
        if (!is_given)
            complain(role.line,
                     "too many users with roles: " + std::to_string(auth::Acl::rules_max) + " pairs at most");
        return is_given;
    }

    auth::AclBuilder builder_;
    std::string name_;
    // The users and the roles of a group are two assignments, which may be far apart.
    std::map<std::string, Group> groups_;
    std::vector<Complaint> complaints_;
};

}  // namespace

Result<auth::Acl, std::vector<Complaint>> read_acl_toml(std::string_view text, const std::string& file_name) {
    TomlText read = read_toml(text, file_name);
    // With a mistake in the syntax there are no assignments, so nothing else can be checked.
    if (!read.complaints.empty()) return Failure{std::move(read.complaints)};
    return AclToml(file_name).run(read.assignments);
}

}  // namespace ledge::config
