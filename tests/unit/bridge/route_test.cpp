#include "ledge/bridge/route.hpp"

#include <doctest/doctest.h>

#include "routes.hpp"

namespace ledge::bridge {
namespace {

using wire::QoS;

TEST_CASE("the prefix of one side is replaced by the prefix of the other side") {
    const Route site = out_route("plant/#", "", "site-17/");
    CHECK(site.local_filter() == "plant/#");
    CHECK(site.remote_filter() == "site-17/plant/#");
    CHECK(remote_topic(site, "plant/line1/temp") == "site-17/plant/line1/temp");
    CHECK(local_topic(site, "site-17/plant/line1/temp") == "plant/line1/temp");
    const Route moved = out_route("#", "plant/", "site-17/floor/");
    CHECK(remote_topic(moved, "plant/a") == "site-17/floor/a");
    CHECK(local_topic(moved, "site-17/floor/a/b") == "plant/a/b");
}

TEST_CASE("topics outside of the filter are not carried") {
    const Route site = out_route("plant/+", "", "site/");
    CHECK_FALSE(remote_topic(site, "plant/a/b"));
    CHECK_FALSE(remote_topic(site, "other/a"));
    CHECK_FALSE(local_topic(site, "plant/a"));
    CHECK_FALSE(local_topic(site, "site/plant"));
}

TEST_CASE("'#' includes the parent level on both sides, if both sides have a name for it") {
    const Route moved = out_route("#", "plant/", "site/");
    CHECK(remote_topic(moved, "plant") == "site");
    CHECK(local_topic(moved, "site") == "plant");
    const Route cut = out_route("#", "plant/", "");
    CHECK_FALSE(remote_topic(cut, "plant"));  // would be the empty topic
    CHECK(remote_topic(cut, "plant/a") == "a");
    CHECK(local_topic(cut, "a") == "plant/a");
    CHECK_FALSE(remote_topic(cut, "plant/"));  // the common part is empty here too
}

TEST_CASE("a prefix may be a part of a level, or a whole topic with an empty filter") {
    const Route part = out_route("-temp/+", "plant/oven", "site/o");
    CHECK(remote_topic(part, "plant/oven-temp/1") == "site/o-temp/1");
    CHECK(local_topic(part, "site/o-temp/1") == "plant/oven-temp/1");
    const Route single = out_route("", "plant/a", "cloud/b");
    CHECK(remote_topic(single, "plant/a") == "cloud/b");
    CHECK(local_topic(single, "cloud/b") == "plant/a");
    CHECK_FALSE(remote_topic(single, "plant/ab"));
}

TEST_CASE("[MQTT-4.7.2-1] only a prefix that names '$' topics reaches them") {
    CHECK_FALSE(remote_topic(out_route("#"), "$SYS/uptime"));
    CHECK_FALSE(local_topic(in_route("#"), "$SYS/uptime"));
    CHECK_FALSE(remote_topic(out_route("#", "x/", ""), "x/$SYS/uptime"));  // cutting must not make a '$' topic
    CHECK(remote_topic(out_route("#", "$SYS/", "site/sys/"), "$SYS/uptime") == "site/sys/uptime");
    CHECK(local_topic(in_route("#", "aws/", "$aws/"), "$aws/things/a") == "aws/things/a");
}

TEST_CASE("a topic that would grow beyond the limits of a topic name is not carried") {
    const Route longer = out_route("#", "", std::string(60'000, 'x') + "/");
    CHECK(remote_topic(longer, std::string(5'000, 'y')));
    CHECK_FALSE(remote_topic(longer, std::string(5'535, 'y')));
    std::string deep = "a";
    for (int level = 1; level < 128; ++level) deep += "/a";
    CHECK(remote_topic(out_route("#"), deep));
    CHECK_FALSE(remote_topic(out_route("#", "", "site/"), deep));
}

TEST_CASE("the mapping is one to one between the topics of both sides") {
    for (const auto& [local, remote] : {std::pair("p/", "s/t/"), {"", "s/"}, {"p/", ""}, {"p/q", "s"}}) {
        for (const char* filter : {"a/#", "a/+/b", "a", "a/+"}) {
            const Route one = out_route(filter, local, remote);
            for (const char* topic : {"a", "a/x", "a/x/b", "a/", "a//b", "a/$x"}) {
                const std::string here = local + std::string(topic);
                const auto there = remote_topic(one, here);
                if (there) CHECK(local_topic(one, *there) == here);
            }
        }
    }
}

TEST_CASE("the local names of a filter of the upstream") {
    const Route in = in_route("#", "cloud/", "cmd/");
    CHECK(local_filter_for(in, "cmd/+/set") == "cloud/+/set");
    CHECK(local_filter_for(in, "cmd") == "cloud");
    CHECK_FALSE(local_filter_for(in_route("#", "", "cmd/"), "cmd"));
    CHECK_FALSE(local_filter_for(in_route("#", "", "cmd/"), "cmd/$SYS/#"));
}

TEST_CASE("a valid route has no complaint") {
    CHECK_FALSE(complaint_about(out_route("#")));
    CHECK_FALSE(complaint_about(out_route("+/a/#", "x/", "y/")));
    CHECK_FALSE(complaint_about(out_route("", "x", "y")));
}

TEST_CASE("a complaint names the key, the value and the way to mend it") {
    CHECK(*complaint_about(out_route("a/#", "p/+/", "")) ==
          "local_prefix = \"p/+/\" has a wildcard. Prefixes are plain text; put '+' and '#' into filter.");
    CHECK(*complaint_about(out_route("#", "", "site")) ==
          "remote_prefix + filter = \"site#\" is no topic filter. End remote_prefix with '/'.");
    CHECK(*complaint_about(out_route("a/#/b")) ==
          "local_prefix + filter = \"a/#/b\" is no topic filter: '+' and '#' stand alone between two '/', and '#' only "
          "at the end.");
    CHECK(*complaint_about(out_route("", "x")) ==
          "remote_prefix + filter = \"\" is empty. Set filter (\"#\" stands for all topics), or give both prefixes a "
          "whole topic.");
    CHECK(*complaint_about(out_route("$share/g/a")) ==
          "local_prefix + filter = \"$share/g/a\" is a shared subscription. A bridge subscribes as one client; remove "
          "\"$share/\".");
    CHECK(complaint_about(out_route("a\xff")));
    CHECK(complaint_about(out_route("a", "\xff")));
    CHECK(*complaint_about(out_route("a", std::string(65'535, 'x'))) ==
          "local_prefix + filter is longer than 65,535 bytes.");
    CHECK(complaint_about(out_route(std::string(200, '/')))->ends_with("has more than 128 levels."));
}

TEST_CASE("a route is explained in sentences with an example") {
    Route site = out_route("plant/#", "", "site-17/");
    CHECK(
        explain(site) ==
        "Local messages on \"plant/#\" go to the upstream as \"site-17/plant/#\", with QoS 1 at most and their RETAIN "
        "flag. Example: \"plant/y/z\" becomes \"site-17/plant/y/z\".");
    site.direction = Direction::in;
    site.qos = QoS::exactly_once;
    site.retain = RetainRule::clear;
    CHECK(explain(site) ==
          "Messages of the upstream on \"site-17/plant/#\" come in as \"plant/#\", with their own QoS and without "
          "RETAIN. Example: \"site-17/plant/y/z\" becomes \"plant/y/z\".");
    site.direction = Direction::both;
    CHECK(
        explain(site).starts_with("Local messages on \"plant/#\" go to the upstream as \"site-17/plant/#\", and "
                                  "messages of the upstream come back the same way, with their own QoS"));
}

}  // namespace
}  // namespace ledge::bridge
