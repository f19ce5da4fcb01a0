#include "subscriptions.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "ledge/broker/options.hpp"
#include "ledge/session/core_services.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/topic/name.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

using Added = Subscriptions::Added;

struct World {
    Log log;
    session::CoreServices services{log, {}, 1, start};
    session::SessionLimits limits;
    session::Session a{services.for_sessions, "a", limits};
    session::Session b{services.for_sessions, "b", limits};
    Subscriptions table{7, ShareStrategy::round_robin, services.rng, services.journal};
};

// "a1 b0": who gets it, with the QoS of the subscription.
std::string receivers(Subscriptions& table, std::string_view topic) {
    std::vector<std::string> found;
    for (const FilterId filter : table.match(topic))
        for (const Subscriber& item : table.subscribers(filter).items())
            found.push_back(item.session->client_id() + std::to_string(static_cast<int>(item.options.qos)));
    std::ranges::sort(found);
    std::string out;
    for (const std::string& one : found) out += (out.empty() ? "" : " ") + one;
    return out;
}

TEST_CASE("[MQTT-3.8.4-3] the same filter again replaces its options and identifier") {
    World w;
    CHECK(w.table.add(w.a, "x/+", {qos0}, 0) == Added::fresh);
    CHECK(w.table.add(w.b, "x/+", {qos1}, 3) == Added::fresh);
    CHECK(receivers(w.table, "x/1") == "a0 b1");
    CHECK(w.table.add(w.a, "x/+", {qos2}, 9) == Added::replaced);
    CHECK(receivers(w.table, "x/1") == "a2 b1");
    CHECK(w.table.size() == 2);
    for (const FilterId filter : w.table.match("x/1"))
        CHECK(w.table.subscribers(filter).items()[0].subscription_id == 9);
    CHECK(w.table.has(w.a, "x/+"));
    CHECK_FALSE(w.table.has(w.a, "x/#"));
}

TEST_CASE("what is removed is gone, what is not there cannot be removed") {
    World w;
    w.table.add(w.a, "x", {qos0}, 0);
    w.table.add(w.b, "x", {qos0}, 0);
    CHECK_FALSE(w.table.remove(w.a, "y"));
    CHECK(w.table.remove(w.a, "x"));
    CHECK_FALSE(w.table.remove(w.a, "x"));
    CHECK(receivers(w.table, "x") == "b0");
    CHECK(w.table.remove(w.b, "x"));
    CHECK(receivers(w.table, "x").empty());
    CHECK(w.table.size() == 0);
    CHECK(w.a.subscriptions.empty());
}

TEST_CASE("an ordinary and a shared subscription of the same filter are two") {
    World w;
    CHECK_FALSE(w.table.has_shared());
    w.table.add(w.a, "x/#", {qos0}, 0);
    w.table.add(w.a, "$share/g/x/#", {qos1}, 0);
    w.table.add(w.a, "$share/h/x/#", {qos1}, 0);
    CHECK(w.table.add(w.a, "$share/g/x/#", {qos2}, 5) == Added::replaced);
    CHECK(w.table.size() == 3);
    CHECK(w.table.has_shared());
    CHECK(receivers(w.table, "x/1") == "a0");
    CHECK(w.table.match_shared("x/1").size() == 2);
    CHECK(w.table.match_shared("y").empty());
    CHECK(w.table.remove(w.a, "x/#"));
    CHECK(receivers(w.table, "x/1").empty());
    CHECK(w.table.has(w.a, "$share/g/x/#"));
    CHECK_FALSE(w.table.has(w.a, "$share/i/x/#"));
    CHECK_FALSE(w.table.has(w.b, "$share/g/x/#"));
    CHECK_FALSE(w.table.remove(w.b, "$share/g/x/#"));
    CHECK(w.table.remove(w.a, "$share/g/x/#"));
    REQUIRE(w.table.match_shared("x/1").size() == 1);
    CHECK(w.table.groups().at(w.table.match_shared("x/1")[0]).name == "h");
    CHECK(w.table.remove(w.a, "$share/h/x/#"));
    CHECK_FALSE(w.table.has_shared());
    CHECK(w.table.size() == 0);
}

TEST_CASE("remove_all ends everything of one session and nothing of another") {
    World w;
    for (const char* filter : {"x", "y/+", "#", "$share/g/x", "$share/g/y/+", "$share/only/x"}) {
        w.table.add(w.a, filter, {qos0}, 0);
        if (std::string_view(filter) != "$share/only/x") w.table.add(w.b, filter, {qos1}, 0);
    }
    CHECK(w.table.size() == 11);
    w.table.remove_all(w.a);
    CHECK(w.table.size() == 5);
    CHECK(w.a.subscriptions.empty());
    CHECK(receivers(w.table, "x") == "b1 b1");
    CHECK(w.table.match_shared("x").size() == 1);
    w.table.remove_all(w.a);
    w.table.remove_all(w.b);
    CHECK(w.table.size() == 0);
    CHECK_FALSE(w.table.has_shared());
}

// Model: a set of (session, filter) and the plain matcher.
TEST_CASE("a seeded run agrees with a list of pairs") {
    static constexpr const char* filters[] = {"a",          "a/b",          "+",          "a/+",       "#", "a/#",
                                              "$share/g/a", "$share/g/a/+", "$share/h/a", "$share/h/#"};
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World w;
        Rng rng(seed);
        session::Session* const sessions[] = {&w.a, &w.b};
        std::set<std::pair<session::Session*, std::string>> model;
        for (int step = 0; step < 500; ++step) {
            session::Session& who = *sessions[rng.below(2)];
            const std::string filter = filters[rng.below(std::size(filters))];
            if (rng.one_in(30)) {
                w.table.remove_all(who);
                std::erase_if(model, [&](const auto& entry) { return entry.first == &who; });
            } else if (rng.one_in(2)) {
                const bool is_new = model.emplace(&who, filter).second;
                REQUIRE(w.table.add(who, filter, {qos0}, 0) == (is_new ? Added::fresh : Added::unchanged));
            } else {
                REQUIRE(w.table.remove(who, filter) == (model.erase({&who, filter}) == 1));
            }
            REQUIRE(w.table.size() == model.size());
            for (const char* topic : {"a", "a/b", "b"}) {
                std::size_t ordinary = 0;
                std::set<std::string> groups;
                for (const auto& [session, text] : model) {
                    const auto shared = topic::parse_shared(text);
                    if (shared && topic::matches(shared->filter, topic)) groups.insert(text);
                    if (!shared && topic::matches(text, topic)) ++ordinary;
                }
                std::size_t found = 0;
                for (const FilterId id : w.table.match(topic)) found += w.table.subscribers(id).size();
                REQUIRE(found == ordinary);
                REQUIRE(w.table.match_shared(topic).size() == groups.size());
            }
        }
        w.table.remove_all(w.a);
        w.table.remove_all(w.b);
    }
}

}  // namespace
}  // namespace ledge::broker
