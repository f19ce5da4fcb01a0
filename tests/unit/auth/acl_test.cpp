#include "ledge/auth/acl.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "filter_sets.hpp"
#include "ledge/auth/rights.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::auth {
namespace {

constexpr std::optional<std::string_view> anonymous;

Acl parsed(std::string_view text) {
    auto acl = Acl::parse(text, "acl.conf");
    if (!acl.ok()) FAIL(acl.error().front().text);
    return std::move(*acl);
}

std::string problem_of(std::string_view text) {
    const auto acl = Acl::parse(text, "acl.conf");
    REQUIRE_FALSE(acl.ok());
    return std::to_string(acl.error().front().line) + ": " + acl.error().front().text;
}

struct Row {
    std::string_view text;
    std::optional<std::string_view> user;
    std::string_view client_id;
    std::string_view topic;
    std::string_view expected;  // "rw", "r", "w", "-"
};

std::string allowed(const Rights& rights, std::string_view topic) {
    std::string out;
    if (rights.may_receive(topic)) out += "r";
    if (rights.may_publish(topic)) out += "w";
    return out.empty() ? "-" : out;
}

constexpr Row table[] = {
    // Topics before any user are for clients without one; access words; the default is both.
    {"topic a", anonymous, "c", "a", "rw"},
    {"topic a", "u", "c", "a", "-"},
    {"topic read a", anonymous, "c", "a", "r"},
    {"topic write a", anonymous, "c", "a", "w"},
    {"topic readwrite a", anonymous, "c", "a", "rw"},
    {"topic deny a", anonymous, "c", "a", "-"},
    {"topic a", anonymous, "c", "b", "-"},
    {"", anonymous, "c", "a", "-"},
    {"# topic a", anonymous, "c", "a", "-"},
    // Users
    {"user u\ntopic a", "u", "c", "a", "rw"},
    {"user u\ntopic a", "v", "c", "a", "-"},
    {"user u\ntopic a", anonymous, "c", "a", "-"},
    {"user u\ntopic read a\nuser v\ntopic write a\nuser u\ntopic write b", "u", "c", "a", "r"},
    {"user u\ntopic read a\nuser v\ntopic write a\nuser u\ntopic write b", "u", "c", "b", "w"},
    {"user two words\ntopic a", "two words", "c", "a", "rw"},
    // Rights add up, denials win wherever they stand
    {"topic read a/#\ntopic write a/b", anonymous, "c", "a/b", "rw"},
    {"topic readwrite a/#\ntopic deny a/b", anonymous, "c", "a/b", "-"},
    {"topic deny a/b\ntopic readwrite a/#", anonymous, "c", "a/c", "rw"},
    {"topic readwrite a/b\ntopic deny a/#", anonymous, "c", "a/b", "-"},
    // Wildcards
    {"topic a/#", anonymous, "c", "a", "rw"},
    {"topic a/#", anonymous, "c", "a/b/c", "rw"},
    {"topic a/#", anonymous, "c", "ab", "-"},
    {"topic a/#", anonymous, "c", "ab/c", "-"},
    {"topic a/+/c", anonymous, "c", "a/b/c", "rw"},
    {"topic a/+/c", anonymous, "c", "a/b/b/c", "-"},
    {"topic +/b/#", anonymous, "c", "a/b", "rw"},
    {"topic #", anonymous, "c", "a/b", "rw"},
    // '$' is not for wildcards
    {"topic #", anonymous, "c", "$SYS/x", "-"},
    {"topic +/x", anonymous, "c", "$SYS/x", "-"},
    {"topic read $SYS/#", anonymous, "c", "$SYS/x", "r"},
    {"pattern #", anonymous, "c", "$SYS/x", "-"},
    {"pattern +/%c", anonymous, "x", "$SYS/x", "-"},
    // Patterns are for everybody, and stand behind the user's own rules
    {"pattern read a/#", "u", "c", "a/b", "r"},
    {"pattern read a/#", anonymous, "c", "a/b", "r"},
    {"pattern write d/%u/%c/v", "u", "c", "d/u/c/v", "w"},
    {"pattern write d/%u/%c/v", "u", "c", "d/u/x/v", "-"},
    {"pattern write d/%u/v", anonymous, "c", "d//v", "-"},
    {"pattern write d/%u/v", anonymous, "c", "d/%u/v", "-"},
    {"pattern d/%c", anonymous, "cc", "d/cc", "rw"},
    {"pattern d/%c", anonymous, "cc", "d/c", "-"},
    {"pattern d/%c", anonymous, "cc", "d/ccc", "-"},
    {"pattern d/x-%c-%u/#", "u", "c", "d/x-c-u", "rw"},
    {"pattern d/x-%c-%u/#", "u", "c", "d/x-c-u/y/z", "rw"},
    {"pattern d/x-%c-%u/#", "u", "c", "d/x-c-v/y", "-"},
    {"pattern %c/+/x", anonymous, "c", "c/y/x", "rw"},
    {"pattern %c/+/x", anonymous, "c", "c/y", "-"},
    {"pattern %c/+", anonymous, "c", "c/", "rw"},
    {"pattern deny a/%u\npattern a/#", "u", "c", "a/u", "-"},
    {"pattern deny a/%u\npattern a/#", "v", "c", "a/u", "rw"},
    {"user u\ntopic read a\npattern deny a", "u", "c", "a", "r"},
    {"user u\ntopic deny a\npattern a", "u", "c", "a", "-"},
    // Names that would be wildcards or further levels in a pattern get nothing from those that contain them
    {"pattern d/%u/#", "+", "c", "d/+/x", "-"},
    {"pattern d/%u/#", "#", "c", "d/v/x", "-"},
    {"pattern d/%c/#", "u", "+", "d/v/x", "-"},
    {"pattern d/%c/#", "u", "a/b", "d/a/b/x", "-"},
    {"pattern %c/#", anonymous, "$SYS", "$SYS/x", "-"},
    {"pattern read a/#", "u", "#", "a/b", "r"},
    {"pattern readwrite u/%u/#\npattern lit/#", "dev/1", "a/b", "u/dev/1/x", "-"},
    {"pattern readwrite u/%u/#\npattern lit/#", "dev/1", "a/b", "lit/x", "rw"},
    {"pattern readwrite u/%u/#", "dev", "a/b", "u/dev/x", "rw"},
    {"pattern readwrite u/%u/#", "dev", "$x", "u/dev/x", "rw"},
    {"pattern d/%c/#", "u", "$x", "d/$x/y", "rw"},
    {"pattern %c-x/#", "u", "$x", "$x-x/y", "-"},
    {"pattern a/%c/%u", "dev/1", "c", "a/c/dev/1", "-"},
    // A denial that cannot be applied leaves no grant beside it, one that contains another name does
    {"pattern deny a/%u\npattern a/#", "dev/1", "c", "a/x", "-"},
    {"pattern deny a/%c\npattern a/#", "dev/1", "c", "a/x", "rw"},
    {"pattern deny a/%c\npattern a/#", "dev/1", "c", "a/c", "-"},
    {"user u\ntopic a\npattern d/%c", "u", "+", "a", "rw"},
    // Text of the file: blanks, CR LF, topics with blanks
    {"  topic   read   a b/c  \r\n", anonymous, "c", "a b/c", "r"},
    {"\ttopic\tread\ta", anonymous, "c", "a", "r"},
    {"topic read read", anonymous, "c", "read", "r"},
};

TEST_CASE("rule, user, topic, expected") {
    for (const Row& row : table) {
        CAPTURE(row.text);
        CAPTURE(row.topic);
        const Acl acl = parsed(row.text);
        CHECK(allowed(Rights(acl, row.user, row.client_id), row.topic) == row.expected);
    }
}

TEST_CASE("what is wrong is said with its line, and nothing of the file is taken") {
    CHECK(problem_of("topic a\nuser\n") == "2: names no user");
    CHECK(problem_of("user a:b").starts_with("1: names a user that cannot be one"));
    CHECK(problem_of("topics a").starts_with("1: begins with neither"));
    CHECK(problem_of("topic") == "1: names no topic");
    CHECK(problem_of("topic deny").starts_with("1: names no topic behind 'deny'"));
    CHECK(problem_of("topic rw a").starts_with("1: has an access other than"));
    CHECK(problem_of("topic read a/#/b").starts_with("1: has no valid topic filter"));
    CHECK(problem_of("topic read a+").starts_with("1: has no valid topic filter"));
    CHECK(problem_of("topic read $share/g/a").starts_with("1: names a shared subscription"));
    CHECK(problem_of("topic read \xFF").starts_with("1: has no valid topic filter"));
    CHECK(problem_of("topic read " + std::string(5000, 'a')).starts_with("1: is longer than"));
    CHECK(problem_of(std::string(5'000'000, '\n')).starts_with("1: the file is larger than"));
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "x\n";
    CHECK(Acl::parse(many, "").error().size() == problems_max);
}

TEST_CASE("a verdict names its rule") {
    const Acl acl = parsed("topic read a/#\ntopic deny a/secret\npattern d/%u");
    const Rights rights(acl, anonymous, "c");
    CHECK(rights.explain(rights.judge("a/b", Access::read)) == "acl.conf:1 (topic read a/#)");
    CHECK(rights.explain(rights.judge("a/secret", Access::read)) == "acl.conf:2 (topic deny a/secret)");
    CHECK(rights.explain(rights.judge("a/b", Access::write)) == "acl.conf (no rule)");
    const Rights odd(acl, anonymous, "a/b");
    CHECK(odd.explain(odd.judge("d/x", Access::write)) ==
          "acl.conf (no rule; the client id cannot stand for %c, as it contains +, # or /, or begins with $)");
}

TEST_CASE("a subscription is refused when nothing of it could ever be received") {
    const Acl acl = parsed("topic read a/#\ntopic write w/#\ntopic deny a/secret/#\npattern read d/%c/+\ntopic $SYS/x");
    const Rights rights(acl, anonymous, "c");
    const auto may = [&](std::string_view filter) { return rights.judge_subscription(filter).is_allowed; };
    for (const char* yes : {"#", "+", "+/+", "a", "a/#", "a/b", "a/+/x", "a/+", "$share/g/a/#", "d/c/x", "d/c/#",
                            "d/+/x", "+/c/x", "$SYS/x", "$SYS/#", "$share/g/d/c/+"})
        CHECK_MESSAGE(may(yes), yes);
    for (const char* no : {"b", "b/#", "w/x", "w/#", "a/secret", "a/secret/#", "a/secret/+/x", "d/x/#", "d/c", "$SYS/y",
                           "$SYS/y/#", "$x/#", "$share/g/b", "$share/g/w/#"})
        CHECK_MESSAGE(!may(no), no);
    CHECK(rights.explain(rights.judge_subscription("a/secret/#")) == "acl.conf:3 (topic deny a/secret/#)");
}

// ---------------------------------------------------------------------------------------------------------------------
// Against models that look at every topic of a small world

const std::vector<std::string>& world() {
    static const std::vector<std::string> topics = [] {
        const char* levels[] = {"a", "b", "", "$x"};
        std::vector<std::string> out;
        for (const char* x : levels) {
            out.emplace_back(x);
            for (const char* y : levels) {
                out.push_back(std::string(x) + "/" + y);
                for (const char* z : levels) out.push_back(std::string(x) + "/" + y + "/" + z);
            }
        }
        std::erase(out, "");
        return out;
    }();
    return topics;
}

std::string random_filter(Rng& rng, bool is_pattern) {
    const char* levels[] = {"a", "b", "", "+", "$x", "%u", "%c", "%%u", "a%cb"};
    std::string filter;
    for (std::uint64_t i = 0, count = 1 + rng.below(3); i < count; ++i)
        filter += (i > 0 ? "/" : "") + std::string(levels[rng.below(is_pattern ? 9 : 5)]);
    if (rng.one_in(3)) filter += filter.empty() ? "#" : "/#";
    return filter.empty() ? "a" : filter;
}

TEST_CASE("filters as sets: overlap and cover agree with a look at every topic") {
    Rng rng(1);
    for (int i = 0; i < 5000; ++i) {
        const std::string a = random_filter(rng, false);
        const std::string b = random_filter(rng, false);
        CAPTURE(a);
        CAPTURE(b);
        bool has_common = false;
        bool is_covered = true;
        for (const std::string& topic : world()) {
            const bool in_a = topic::matches(a, topic);
            const bool in_b = topic::matches(b, topic);
            has_common = has_common || (in_a && in_b);
            is_covered = is_covered && (in_a || !in_b);
        }
        if (has_common) CHECK(overlap(a, b));
        if (overlap(a, b)) CHECK(overlap(b, a));
        if (covers(a, b)) CHECK(is_covered);
        if (covers(a, b)) CHECK(overlap(a, b));
    }
}

struct ModelRule {
    std::string user;  // "": anonymous
    bool is_pattern;
    int access;  // as in Access
    std::string filter;
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
    return text;
}

/// The meaning of a file, said as simply as possible: three of the four lists in order, the first hit decides.
bool model_allows(const std::vector<ModelRule>& rules, const std::string& user, const std::string& client,
                  const std::string& topic, int wanted) {
    const auto contains_odd_name = [&](const ModelRule& rule) {
        const auto is_odd = [&](const std::string& name, const char* stands_for) {
            return name.find_first_of("+#/") != std::string::npos && rule.filter.find(stands_for) != std::string::npos;
        };
        return rule.is_pattern && (is_odd(user, "%u") || is_odd(client, "%c"));
    };
    const bool are_patterns_void =
        std::ranges::any_of(rules, [&](const ModelRule& rule) { return rule.access == 0 && contains_odd_name(rule); });
    for (const bool is_pattern : {false, true}) {
        for (const bool is_denial : {true, false}) {
            for (const ModelRule& rule : rules) {
                if (rule.is_pattern != is_pattern || (rule.access == 0) != is_denial) continue;
                if (!is_pattern && rule.user != user) continue;
                if (is_pattern && user.empty() && rule.filter.find("%u") != std::string::npos) continue;
                if (contains_odd_name(rule) || (is_pattern && are_patterns_void)) continue;
                if (!is_denial && (rule.access & wanted) == 0) continue;
                std::string filter = rule.filter;
                if (is_pattern) filter = replaced(replaced(filter, "%u", user), "%c", client);
                if (topic::matches(filter, topic)) return !is_denial;
            }
        }
    }
    return false;
}

TEST_CASE("random files mean what the model says, and a refused subscription could bring nothing") {
    Rng rng(2);
    const char* words[] = {"deny", "read", "write", "readwrite"};
    for (int round = 0; round < 400; ++round) {
        const std::uint64_t rules_max = rng.one_in(4) ? 60 : 8;  // with an index, and without
        std::string text;
        std::string current;
        std::vector<ModelRule> rules;
        for (std::uint64_t i = 0, count = rng.below(rules_max); i < count; ++i) {
            if (rng.one_in(3)) text += "user " + (current = rng.one_in(2) ? "a" : "b") + "\n";
            const bool is_pattern = rng.one_in(2);
            const int access = static_cast<int>(rng.below(4));
            const std::string filter = random_filter(rng, is_pattern);
            if (!topic::is_valid_filter(filter, 10)) continue;
            rules.push_back({current, is_pattern, access, filter});
            text += std::string(is_pattern ? "pattern " : "topic ") + words[access] + " " + filter + "\n";
        }
        CAPTURE(text);
        const Acl acl = parsed(text);
        for (const std::string user : {"", "a", "b", "a/b"}) {
            const std::string client = rng.one_in(8) ? "+" : rng.one_in(2) ? "a" : "b";
            const Rights rights(acl, user.empty() ? anonymous : std::optional<std::string_view>(user), client);
            for (const std::string& topic : world()) {
                CHECK(rights.may_receive(topic) == model_allows(rules, user, client, topic, 1));
                CHECK(rights.may_publish(topic) == model_allows(rules, user, client, topic, 2));
            }
            const std::string filter = random_filter(rng, false);
            if (rights.judge_subscription(filter).is_allowed) continue;
            for (const std::string& topic : world())
                CHECK_FALSE((topic::matches(filter, topic) && rights.may_receive(topic)));
        }
    }
}

}  // namespace
}  // namespace ledge::auth
