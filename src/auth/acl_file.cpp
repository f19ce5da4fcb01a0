// Parses an ACL file in the form of mosquitto. Each problem text is a sentence without its subject, the line.
#include <algorithm>

#include "ledge/auth/acl.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/text_file.hpp"

namespace ledge::auth {
namespace {

struct AccessName {
    std::string_view name;
    Access access;
    bool is_denial;
};
constexpr AccessName access_names[] = {{"read", Access::read, false},
                                       {"write", Access::write, false},
                                       {"readwrite", Access::read_write, false},
                                       {"deny", Access::read_write, true}};

/// nullptr: the word is no access, so it may be the beginning of a topic.
const AccessName* find_access(std::string_view word) {
    const auto found = std::ranges::find(access_names, word, &AccessName::name);
    return found == std::end(access_names) ? nullptr : found;
}

/// Removes the first word and the blanks behind it from `text`, and returns the word.
std::string_view next_word(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && !Lines::is_blank(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    while (!text.empty() && Lines::is_blank(text.front())) text.remove_prefix(1);
    return word;
}

/// Reads the part of a line behind "topic" or "pattern". Returns an empty text, or what is wrong with this part.
std::string read_rule(std::string_view rest, AclRule& rule) {
    // A topic with blanks needs an access word before it. Without an access word, the whole rest is the topic.
    const std::string_view whole = rest;
    const std::string_view first = next_word(rest);
    const AccessName* access = find_access(first);
    if (first.empty()) return "names no topic";
    if (access != nullptr && rest.empty())
        return "names no topic behind '" + std::string(first) + "'; for a topic of this name write 'readwrite " +
               std::string(first) + "'";
    if (access == nullptr && !rest.empty())
        return "has an access other than read, write, readwrite and deny; for a topic with blanks write 'readwrite' "
               "before the topic";
    if (access != nullptr) rule.access = access->access;
    rule.is_denial = access != nullptr && access->is_denial;
    rule.filter = access != nullptr ? rest : whole;
    return {};
}

/// Reads a file line by line, and collects either the rules or the problems.
class AclReader {
public:
    explicit AclReader(std::string name) : builder_(std::move(name), Acl::Form::mosquitto) {}

    void read_line(std::string_view line, std::uint32_t number) {
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
        return builder_.finish();
    }

private:
    std::string read(std::string_view line, std::uint32_t number) {
        std::string_view rest = line;
        const std::string_view word = next_word(rest);
        if (word == "user") return read_user(rest);
        if (word != "topic" && word != "pattern") return "begins with neither user, topic, pattern nor #";
        // The rules of "pattern" lines are for everybody, those of "topic" lines for the last named user.
        AclRule rule;
        rule.line = number;
        std::string problem = read_rule(rest, rule);
        if (!problem.empty()) return problem;
        return builder_.add(word == "pattern" ? AclBuilder::everybody : target_, std::move(rule));
    }

    std::string read_user(std::string_view name) {
        if (name.empty()) return "names no user";
        if (!is_user_name(name))
            return "names a user that cannot be one; a name has 1 to 1024 bytes of text and no ':'";
        target_ = builder_.user(name);
        return {};
    }

    AclBuilder builder_;
    AclOwner::Number target_ = AclBuilder::anonymous;  // the owner of the rules in "topic" lines
    std::vector<Problem> problems_;
};

}  // namespace

Result<Acl, std::vector<Problem>> Acl::parse(std::string_view text, std::string name) {
    if (text.size() > text_file_bytes_max)
        return Failure{
            std::vector<Problem>{{1, "the file is larger than " + std::to_string(text_file_bytes_max) + " bytes"}}};
    AclReader reader(std::move(name));
    Lines lines(text);
    for (std::string_view line; !reader.is_full() && lines.next(line);) reader.read_line(line, lines.number());
    return reader.finish();
}

}  // namespace ledge::auth
