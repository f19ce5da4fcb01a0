// The last case of this binary: which numbered statements of the two standards have a script, and which have not.
#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "clauses.hpp"
#include "spec.hpp"

namespace ledge::spec {

namespace {

// Raised whenever more is covered; never lowered without a reason in the clause list.
constexpr std::size_t covered_min_v3 = 128;
constexpr std::size_t covered_min_v5 = 227;

using Ids = std::set<std::string, std::less<>>;

struct Mentioned {
    Ids v3;
    Ids v5;
};

/// "v3 [MQTT-1.5.3-1] v5 [MQTT-1.5.4-1] text": the marks hold for the ids after them.
void read_name(std::string_view name, Mentioned& mentioned) {
    bool is_v3 = false;
    constexpr std::string_view opening = "[MQTT-";
    for (std::size_t at = 0; at < name.size(); ++at) {
        if (name.substr(at, 3) == "v3 ") is_v3 = true;
        if (name.substr(at, 3) == "v5 ") is_v3 = false;
        if (name.substr(at, opening.size()) != opening) continue;
        const std::size_t end = name.find(']', at);
        const std::string_view id = name.substr(at + opening.size(), end - at - opening.size());
        (is_v3 ? mentioned.v3 : mentioned.v5).emplace(id);
    }
}

Mentioned mentioned_clauses() {
    Mentioned out;
    for (const auto name : SpecName::all()) read_name(name, out);
    return out;
}

struct Count {
    std::size_t covered = 0;
    std::size_t testable = 0;
};

void print(const char* standard, const Clause& clause, const char* what) {
    std::printf("  %s [MQTT-%s] %s: %s\n", standard, std::string(clause.id).c_str(), what,
                std::string(clause.says).c_str());
}

Count count(std::span<const Clause> clauses, const Ids& mentioned, const char* standard) {
    Count out;
    for (const auto& clause : clauses) {
        const bool is_covered = mentioned.contains(clause.id);
        if (clause.check != Check::script) {
            CHECK_MESSAGE(!is_covered, "a script names what is listed as not testable: ", clause.id);
            continue;
        }
        ++out.testable;
        out.covered += is_covered ? 1 : 0;
        if (!is_covered) print(standard, clause, "has no script");
    }
    return out;
}

void list_untestable(std::span<const Clause> clauses, const char* standard) {
    std::size_t duties = 0;
    std::size_t transport = 0;
    for (const auto& clause : clauses) {
        duties += clause.check == Check::client ? 1U : 0U;
        transport += clause.check == Check::transport ? 1U : 0U;
        if (clause.check == Check::unseen) print(standard, clause, "cannot be seen here");
    }
    std::printf("  %s: %zu statements; %zu bind clients only, %zu concern the transport (tests/e2e)\n", standard,
                clauses.size(), duties, transport);
}

void check_known(std::span<const Clause> clauses, const Ids& mentioned, const char* standard) {
    for (const auto& id : mentioned) {
        const auto is_this = [&](const Clause& clause) { return clause.id == id; };
        const bool is_known = std::any_of(clauses.begin(), clauses.end(), is_this);
        CHECK_MESSAGE(is_known, standard, " has no statement [MQTT-", id, "]");
    }
}

}  // namespace

TEST_CASE("clause coverage") {
    const Mentioned mentioned = mentioned_clauses();
    check_known(clauses_v3(), mentioned.v3, "MQTT 3.1.1");
    check_known(clauses_v5(), mentioned.v5, "MQTT 5.0");
    const Count v3 = count(clauses_v3(), mentioned.v3, "MQTT 3.1.1");
    const Count v5_count = count(clauses_v5(), mentioned.v5, "MQTT 5.0");
    list_untestable(clauses_v3(), "MQTT 3.1.1");
    list_untestable(clauses_v5(), "MQTT 5.0");
    std::printf("clause coverage: MQTT 3.1.1 %zu of %zu, MQTT 5.0 %zu of %zu\n", v3.covered, v3.testable,
                v5_count.covered, v5_count.testable);
    CHECK(clauses_v3().size() == 141);
    CHECK(clauses_v5().size() == 251);
    CHECK(v3.covered >= covered_min_v3);
    CHECK(v5_count.covered >= covered_min_v5);
}

}  // namespace ledge::spec
