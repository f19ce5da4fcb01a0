// Rules of both forms of an ACL, at the three places where they decide: publish, subscribe, delivery.
#include <algorithm>
#include <set>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/topic/name.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

/// User names are proven by TLS here: no password is of interest.
Client& comes(Rig& rig, const std::string& client_id, std::string_view user) {
    Wish wish;
    wish.proven = user;
    return rig[client_id].connects(wish);
}

void take(Rig& rig, auth::Acl acl) {
    auth::Policy policy;
    policy.acl = std::move(acl);
    rig.shard->set_policy(snapshot_of(std::move(policy)), rig.now);
}

auth::Acl mosquitto(std::string_view text) {
    auto acl = auth::Acl::parse(text, "acl");
    REQUIRE(acl.ok());
    return std::move(*acl);
}

// "w" writes everything, and so is the one who publishes what is to be delivered.
constexpr std::string_view the_writer = "\nuser w\ntopic readwrite #\ntopic readwrite $x/#\n";

struct Row {
    std::string_view rules;
    std::string_view user;  // its client id is "c"
    std::string_view topic;
    bool may_publish;
    bool may_receive;
};

constexpr Row table[] = {
    {"topic a", "", "a", true, true},
    {"topic a", "u", "a", false, false},
    {"user u\ntopic read a/#", "u", "a/b", false, true},
    {"user u\ntopic write a/#", "u", "a/b", true, false},
    {"user u\ntopic a/+\ntopic deny a/b", "u", "a/b", false, false},
    {"user u\ntopic a/+\ntopic deny a/b", "u", "a/c", true, true},
    {"user u\ntopic deny #\npattern readwrite a", "u", "a", false, false},
    {"user v\ntopic a", "u", "a", false, false},
    {"pattern read d/%u/+", "u", "d/u/x", false, true},
    {"pattern read d/%u/+", "u", "d/v/x", false, false},
    {"pattern write d/%c/#", "u", "d/c", true, false},
    {"pattern d/%u", "", "d/u", false, false},
    {"pattern d/%u/#", "+", "d/+", false, false},
    {"pattern d/%u/#", "#", "d/x", false, false},
    {"pattern %u/x", "$x", "$x/x", false, false},
    {"topic read #\nuser u\ntopic read +/b", "u", "a/b", false, true},
    {"user u\ntopic read #", "u", "$x/y", false, false},
    {"user u\ntopic read $x/#", "u", "$x/y", false, true},
};

TEST_CASE("rule, user, topic, expected: at publish, at subscribe, at delivery, retained and live") {
    for (const Row& row : table) {
        if (row.topic.find_first_of("+#") != std::string_view::npos) continue;  // no topic can have that name
        CAPTURE(row.rules);
        CAPTURE(row.topic);
        Rig rig;
        take(rig, mosquitto(std::string(row.rules) + std::string(the_writer)));
        Client& client = comes(rig, "c", row.user);
        Client& writer = comes(rig, "writer", "w");
        CHECK((client.publishes(row.topic, "1", qos1) != "not_authorized") == row.may_publish);
        writer.publishes(row.topic, "old", qos0, true);
        const std::string answer = client.answer_to_subscribe(row.topic);
        CHECK(answer == (row.may_receive ? "SUBACK 2 0" : "SUBACK 2 135"));
        const std::string topic(row.topic);
        CHECK(client.takes() == (row.may_receive ? "PUBLISH " + topic + " old retain" : ""));
        // By way of a filter that brings more, where the rules let it pass.
        client.answer_to_subscribe(row.topic.starts_with("$") ? "$x/#" : "#");
        client.forgets();
        writer.publishes(row.topic, "new");
        CHECK((client.takes().find("new") != std::string::npos) == row.may_receive);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Whatever the rules and the filters are, nobody gets or publishes what the slow reference does not allow.

const char* const filters[] = {"#",   "+",   "a/#", "a/+",  "+/b",  "a/b",    "b",     "+/+/c",
                               "b/#", "a/c", "+/#", "%u/#", "a/%c", "+/%u/c", "a/b/#", "%c"};
constexpr std::size_t plain_filters = 11;  // the first ones have no names in them
const char* const topics[] = {"a", "b", "a/b", "a/c", "b/b", "a/b/c", "b/b/c", "a/a/c", "a/b/c/d"};

struct ModelRule {
    std::string filter;
    unsigned access;  // 1 read, 2 write
    bool is_denial;
};
using ModelRules = std::vector<ModelRule>;

struct Model {
    ModelRules own;  // with those of the roles
    ModelRules everybody;

    static bool covers(const ModelRule& rule, const std::string& topic, unsigned wanted) {
        std::string filter = rule.filter;
        for (const auto& [sign, name] : {std::pair{"%u", "b"}, {"%c", "a"}})
            if (const std::size_t at = filter.find(sign); at != std::string::npos) filter.replace(at, 2, name);
        return (rule.access & wanted) != 0 && topic::matches(filter, topic);
    }
    bool allows(const std::string& topic, unsigned wanted) const {
        for (const ModelRules* rules : {&own, &everybody}) {
            bool is_granted = false;
            for (const ModelRule& rule : *rules) {
                if (!covers(rule, topic, wanted)) continue;
                if (rule.is_denial) return false;
                is_granted = true;
            }
            if (is_granted) return true;
        }
        return false;
    }
};

/// Rules for user "b" with client id "a", in the form that is asked for, and what they mean.
auth::Acl random_acl(Rng& rng, auth::Acl::Form form, Model& model) {
    auth::AclBuilder builder("acl", form);
    const bool is_toml = form == auth::Acl::Form::toml;
    const auto user = builder.user("b");
    const auto role = builder.role("r");
    if (is_toml) CHECK(builder.give_role(user, role));
    const std::uint64_t count = rng.one_in(3) ? rng.below(40) : rng.below(8);
    for (std::uint64_t i = 0; i < count; ++i) {
        const bool is_for_all = rng.one_in(3);
        const auto owner = is_for_all ? auth::AclBuilder::everybody : is_toml && rng.one_in(2) ? role : user;
        const bool has_names = is_toml || is_for_all;
        const bool is_denial = rng.one_in(4);
        const unsigned access = is_denial && !is_toml ? 3 : 1 + static_cast<unsigned>(rng.below(3));
        const std::string filter = filters[rng.below(has_names ? std::size(filters) : plain_filters)];
        auth::AclRule rule;
        rule.filter = filter;
        rule.access = static_cast<auth::Access>(access);
        rule.is_denial = is_denial;
        CHECK(builder.add(owner, rule).empty());
        (is_for_all ? model.everybody : model.own).push_back({filter, access, is_denial});
    }
    const auto writer = builder.user("w");
    auth::AclRule everything;
    everything.filter = "#";
    CHECK(builder.add(writer, everything).empty());
    return builder.finish();
}

/// Topics of the messages that have come, one or more times.
std::set<std::string> topics_of(Client& client) {
    std::set<std::string> out;
    for (const std::string& got : client.waiting())
        if (got.starts_with("PUBLISH ")) out.insert(got.substr(8, got.find(' ', 8) - 8));
    client.forgets();
    return out;
}

void check_round(Rng& rng, auth::Acl::Form form) {
    Model model;
    Rig rig;
    take(rig, random_acl(rng, form, model));
    Client& writer = comes(rig, "writer", "w");
    Client& client = comes(rig, "a", "b");
    for (const std::string topic : topics) {
        CHECK((client.publishes(topic, "1", qos1) != "not_authorized") == model.allows(topic, 2));
        writer.publishes(topic, "old", qos0, true);
    }
    std::vector<std::string> granted;
    for (int i = 0; i < 3; ++i) {
        const std::string filter = filters[rng.below(plain_filters)];
        const auto may_bring = [&](const std::string& topic) {
            return topic::matches(filter, topic) && model.allows(topic, 1);
        };
        const bool is_granted = !client.answer_to_subscribe(filter).ends_with(" 135");
        if (is_granted) granted.push_back(filter);
        if (!is_granted) CHECK(std::ranges::none_of(topics, may_bring));
    }
    std::set<std::string> expected;
    for (const std::string topic : topics) {
        const bool is_wanted = std::ranges::any_of(granted, [&](const auto& f) { return topic::matches(f, topic); });
        if (is_wanted && model.allows(topic, 1)) expected.insert(topic);
    }
    CHECK(topics_of(client) == expected);  // retained
    for (const char* topic : topics) writer.publishes(topic, "new");
    CHECK(topics_of(client) == expected);
}

TEST_CASE("property: published, delivered and kept back is what a slow reference says, for both forms") {
    Rng rng(5);
    for (int round = 0; round < 150; ++round) {
        CAPTURE(round);
        check_round(rng, round % 2 == 0 ? auth::Acl::Form::toml : auth::Acl::Form::mosquitto);
    }
}

TEST_CASE("rules for users do not concern a part of this program, before and after a new policy") {
    Rig rig;
    take(rig, mosquitto("topic deny #\nuser w\ntopic readwrite #\n"));
    Wish wish;
    wish.proven = "$bridge/cloud";
    wish.is_inner = true;
    Client& bridge = rig["bridge"].connects(wish);
    bridge.subscribes("a/#", wire::QoS::at_least_once);
    Client& writer = comes(rig, "w", "w");
    writer.subscribes("c", wire::QoS::at_most_once);
    writer.publishes("a/b", "1", wire::QoS::at_most_once);
    CHECK(bridge.takes() == "PUBLISH a/b 1");
    bridge.publishes("c", "1", wire::QoS::at_most_once);
    CHECK(writer.takes() == "PUBLISH c 1");
    take(rig, mosquitto("topic deny #\n"));
    rig.passes(1s);
    CHECK(bridge.is_open());
}

}  // namespace
}  // namespace ledge::broker
