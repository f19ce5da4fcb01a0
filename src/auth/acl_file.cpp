// The text of an ACL file becomes rules.
#include <algorithm>
#include <map>

#include "ledge/auth/acl.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::auth {
namespace {

struct AccessName {
    std::string_view name;
    Access access;
};
constexpr AccessName access_names[] = {
    {"read", Access::read}, {"write", Access::write}, {"readwrite", Access::read_write}, {"deny", Access::deny}};

const AccessName* find_access(std::string_view word) {
    const auto found = std::ranges::find(access_names, word, &AccessName::name);
    return found == std::end(access_names) ? nullptr : found;
}

/// The first word; `text` becomes what follows it, without blanks around it.
std::string_view take_word(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && !Lines::is_blank(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    while (!text.empty() && Lines::is_blank(text.front())) text.remove_prefix(1);
    return word;
}

AclRule::Shape shape_of(const AclRule& rule) {
    if (rule.names_user || rule.names_client) return AclRule::Shape::pattern;
    const std::string_view filter = rule.filter;
    if (!topic::has_wildcards(filter)) return AclRule::Shape::exact;
    const bool is_subtree = filter.ends_with("/#") && !topic::has_wildcards(filter.substr(0, filter.size() - 2));
    return is_subtree ? AclRule::Shape::subtree : AclRule::Shape::wildcards;
}

/// What stands behind "topic" or "pattern"; "" or what is wrong with it.
std::string read_rule(std::string_view rest, bool is_pattern, AclRule& rule) {
    const std::string_view whole = rest;
    const std::string_view first = take_word(rest);
    const AccessName* access = find_access(first);
    if (first.empty()) return "names no topic";
    if (access != nullptr && rest.empty())
        return "names no topic behind '" + std::string(first) + "'; for a topic of that name write 'readwrite " +
               std::string(first) + "'";
    if (access == nullptr && !rest.empty())
        return "has an access other than read, write, readwrite and deny; for a topic with blanks write 'readwrite' "
               "before it";
    if (access != nullptr) rule.access = access->access;
    rule.filter = access != nullptr ? rest : whole;
    if (topic::is_shared(rule.filter)) return "names a shared subscription; name the topics behind $share/GROUP/";
    if (!topic::is_valid_filter(rule.filter, topic::levels_hard_max) || !wire::is_valid_utf8(rule.filter))
        return "has no valid topic filter: '#' stands alone in the last level, '+' alone in its level";
    rule.is_pattern = is_pattern;
    rule.names_user = is_pattern && rule.filter.find("%u") != std::string::npos;
    rule.names_client = is_pattern && rule.filter.find("%c") != std::string::npos;
    rule.shape = shape_of(rule);
    return {};
}

void put_denials_first(AclRules& rules) {
    std::stable_partition(rules.begin(), rules.end(), [](const AclRule& rule) { return rule.access == Access::deny; });
    rules.shrink_to_fit();
}

}  // namespace

/// Lines go in, an Acl comes out.
class AclReader {
public:
    explicit AclReader(std::string name) { acl_.name_ = std::move(name); }

    void take(std::string_view line, std::uint32_t number) {
        while (!line.empty() && Lines::is_blank(line.front())) line.remove_prefix(1);
        if (line.empty() || line.starts_with('#')) return;
        std::string problem = line.size() > text_line_bytes_max
                                  ? "is longer than " + std::to_string(text_line_bytes_max) + " bytes"
                                  : read(line, number);
        if (!problem.empty()) problems_.push_back({number, std::move(problem)});
    }

    bool is_full() const { return problems_.size() >= problems_max; }

    Result<Acl, std::vector<Problem>> finish() {
        if (!problems_.empty()) return Failure{std::move(problems_)};
        for (auto& [user, rules] : users_) acl_.users_.push_back({user, std::move(rules)});
        for (Acl::UserRules& user : acl_.users_) put_denials_first(user.rules);
        put_denials_first(acl_.anonymous_);
        put_denials_first(acl_.patterns_);
        return std::move(acl_);
    }

private:
    std::string read(std::string_view line, std::uint32_t number) {
        std::string_view rest = line;
        const std::string_view word = take_word(rest);
        if (word == "user") return read_user(rest);
        if (word != "topic" && word != "pattern") return "begins with neither user, topic, pattern nor #";
        if (acl_.size_ == Acl::rules_max) return "is one rule too many: " + std::to_string(Acl::rules_max) + " at most";
        AclRule rule;
        rule.line = number;
        std::string problem = read_rule(rest, word == "pattern", rule);
        if (!problem.empty()) return problem;
        ++acl_.size_;
        (rule.is_pattern ? acl_.patterns_ : *target_).push_back(std::move(rule));
        return {};
    }

    std::string read_user(std::string_view name) {
        if (name.empty()) return "names no user";
        if (!is_user_name(name)) return "names a user that cannot be one: 1 to 1024 bytes of text, no ':'";
        target_ = &users_[std::string(name)];
        return {};
    }

    Acl acl_;
    std::map<std::string, AclRules, std::less<>> users_;
    AclRules* target_ = &acl_.anonymous_;
    std::vector<Problem> problems_;
};

Result<Acl, std::vector<Problem>> Acl::parse(std::string_view text, std::string name) {
    if (text.size() > text_file_bytes_max)
        return Failure{
            std::vector<Problem>{{1, "the file is larger than " + std::to_string(text_file_bytes_max) + " bytes"}}};
    AclReader reader(std::move(name));
    Lines lines(text);
    for (std::string_view line; !reader.is_full() && lines.next(line);) reader.take(line, lines.number());
    return reader.finish();
}

const AclRules* Acl::rules_of(std::optional<std::string_view> user) const {
    if (!user) return &anonymous_;
    const auto name_of = [](const UserRules& entry) -> std::string_view { return entry.user; };
    const auto found = std::ranges::lower_bound(users_, *user, {}, name_of);
    return found != users_.end() && found->user == *user ? &found->rules : nullptr;
}

std::string to_text(const AclRule& rule) {
    const auto name = std::ranges::find(access_names, rule.access, &AccessName::access)->name;
    return (rule.is_pattern ? "pattern " : "topic ") + std::string(name) + " " + rule.filter;
}

}  // namespace ledge::auth
