// DeviceTable: whose rule decides, and what a rule gives a device.
#include "ledge/mqttsn/device_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

namespace ledge::mqttsn {
namespace {

DeviceRule user_rule(std::string client_id, std::string user) {
    DeviceRule one;
    one.client_id = std::move(client_id);
    one.user = std::move(user);
    return one;
}

std::string user_of(const DeviceTable& table, std::string_view client_id) {
    const DeviceRule* const found = table.find(client_id);
    return found == nullptr ? "-" : found->user;
}

TEST_CASE("devices: a table that was never filled admits everybody, one of a file only those that it lists") {
    CHECK(DeviceTable().admits("anybody"));
    DeviceTable table = DeviceTable::of_file();
    CHECK_FALSE(table.admits("anybody"));
    CHECK(table.add(user_rule("lamp", "lamps")));
    CHECK(table.admits("lamp"));
    CHECK_FALSE(table.admits("lamp2"));
    CHECK_FALSE(table.admits("lam"));
    CHECK_FALSE(table.admits(""));
}

TEST_CASE("devices: the most exact rule decides, in whatever order the rules stand") {
    for (const bool is_reversed : {false, true}) {
        DeviceTable table = DeviceTable::of_file();
        std::vector<DeviceRule> rules = {user_rule("*", "all"), user_rule("meter-*", "meters"),
                                         user_rule("meter-7*", "sevens"), user_rule("meter-7", "seven"),
                                         user_rule("meter-*x", "star inside")};
        if (is_reversed) std::reverse(rules.begin(), rules.end());
        for (DeviceRule& one : rules) CHECK(table.add(std::move(one)));
        CHECK(table.size() == 5);
        CHECK(user_of(table, "meter-7") == "seven");
        CHECK(user_of(table, "meter-71") == "sevens");
        CHECK(user_of(table, "meter-8") == "meters");
        CHECK(user_of(table, "meter-") == "meters");
        CHECK(user_of(table, "meter") == "all");
        CHECK(user_of(table, "meter-*x") == "star inside");  // only a trailing star is a pattern
        CHECK(user_of(table, "") == "all");
    }
}

TEST_CASE("devices: two rules for one client id or pattern are refused") {
    DeviceTable table = DeviceTable::of_file();
    CHECK(table.add(user_rule("a", "1")));
    CHECK_FALSE(table.add(user_rule("a", "2")));
    CHECK(table.add(user_rule("a*", "3")));
    CHECK_FALSE(table.add(user_rule("a*", "4")));
    CHECK(user_of(table, "a") == "1");
    CHECK(user_of(table, "ab") == "3");
}

TEST_CASE("devices: predefined topics come before those of the listener, with the client id in the place of %c") {
    PredefinedTopics listener;
    listener.add(1, "site/meter");
    listener.add(2, "site/lamp");
    DeviceRule one = user_rule("m*", "");
    one.topics = {{1, "plant/%c/kwh"}, {3, "%c"}, {4, "a%cb%c"}, {5, "fixed/%d"}};
    const PredefinedTopics topics = topics_of(one, "m1", listener);
    CHECK(topics.name_of(1) == "plant/m1/kwh");
    CHECK(topics.name_of(2) == "site/lamp");
    CHECK(topics.name_of(3) == "m1");
    CHECK(topics.name_of(4) == "am1bm1");
    CHECK(topics.name_of(5) == "fixed/%d");
    CHECK(topics.name_of(6).empty());
    // A client id must not make other levels or wildcards.
    for (const std::string_view hostile : {"m/1", "m+", "m#"}) {
        const PredefinedTopics cut = topics_of(one, hostile, listener);
        CHECK(cut.name_of(3).empty());
        CHECK(cut.name_of(4).empty());
        CHECK(cut.name_of(5) == "fixed/%d");
    }
}

TEST_CASE("devices: a rule is another one for the device if user, key or topics are others, not the rate") {
    const std::array<Byte, device_key_bytes> bytes{1};
    const DeviceRule before = user_rule("a", "u");
    DeviceRule after = before;
    after.messages_per_second_max = 9;
    CHECK(before.is_same_for_device(after));
    after.user = "v";
    CHECK_FALSE(before.is_same_for_device(after));
    after = before;
    after.key = Secret(bytes);
    CHECK_FALSE(before.is_same_for_device(after));
    after = before;
    after.topics[1] = "x";
    CHECK_FALSE(before.is_same_for_device(after));
    DeviceTable table = DeviceTable::of_file();
    table.add(before);
    CHECK_FALSE(table.has_keys());
    after.client_id = "b*";
    after.key = Secret(bytes);
    table.add(after);
    CHECK(table.has_keys());
}

}  // namespace
}  // namespace ledge::mqttsn
