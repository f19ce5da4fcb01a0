#include "ledge/bridge/route_check.hpp"

#include <doctest/doctest.h>

#include "routes.hpp"

namespace ledge::bridge {
namespace {

std::string checked(std::vector<BridgeRoutes> bridges) {
    std::string text;
    for (const Complaint& one : check_routes(bridges)) {
        if (!text.empty()) text += "\n";
        text += one.severity == Complaint::Severity::error ? "error " : "warning ";
        text += one.bridge + " " + std::to_string(one.route) + ": " + one.text;
    }
    return text;
}

std::string checked_one(std::vector<Route> routes) { return checked({{"cloud", {"c:1883"}, std::move(routes)}}); }

TEST_CASE("routes without a common topic are fine") {
    CHECK(checked_one({}) == "");
    CHECK(checked_one({out_route("plant/#", "", "site/"), in_route("cmd/#", "", "site/")}) == "");
    CHECK(checked_one({out_route("#", "", "up/"), in_route("#", "cloud/", "down/")}) == "");
    CHECK(checked_one({out_route("#"), in_route("#", "sys/", "$SYS/")}) == "");  // "#" does not match "$SYS/x"
}

TEST_CASE("one route for both directions is no loop: the relay suppresses its own echo") {
    CHECK(checked_one({both_route("shared/#")}) == "");
}

TEST_CASE("two routes that carry the same topics out and in are a loop") {
    CHECK(
        checked_one({out_route("a/#"), in_route("a/+")}) ==
        "error cloud 0: Messages of this route reach the upstream on \"a/+\" and come back by route 2 on \"a/+\"; from "
        "there they leave again by this route, without end. Use one route with direction = \"both\" for topics that "
        "both sides publish.");
    CHECK(checked_one({both_route("a/#"), in_route("+/b")}).starts_with("error cloud 0: "));
}

TEST_CASE("a loop under names that grow is a loop") {
    CHECK(
        checked_one({out_route("#", "", "up/"), in_route("#", "back/", "up/")}) ==
        "error cloud 0: Messages of this route reach the upstream on \"up/#\" and come back by route 2 on \"back/#\"; "
        "from there they leave again by this route, without end. Give the two routes prefixes or filters without a "
        "common topic.");
}

TEST_CASE("a loop through a third route is a loop") {
    CHECK(
        checked_one({out_route("a", "", "x/"), in_route("a", "b/", "x/"), out_route("b/#", "", "y/")}) ==
        "error cloud 0: Messages of this route reach the upstream on \"x/a\" and come back by route 2 on \"b/a\"; from "
        "there they leave again by route 3, without end. Give the two routes prefixes or filters without a common "
        "topic.");
}

TEST_CASE("a message that comes back and stays is worth a warning") {
    CHECK(checked_one({out_route("a/#"), in_route("a/#", "echo/", "")}) ==
          "warning cloud 0: Messages of this route reach the upstream on \"a/#\" and come back by route 2 on "
          "\"echo/a/#\". They do not leave again, but the local broker has each of them twice.");
}

TEST_CASE("two bridges to one broker are compared, and bridges to different brokers are not") {
    const std::vector<Route> shared = {both_route("a/#")};
    CHECK(checked({{"x", {"c:1883"}, shared}, {"y", {"d:1883"}, shared}}) == "");
    CHECK(
        checked({{"x", {"c:1883", "e:1883"}, shared}, {"y", {"d:1883", "e:1883"}, shared}})
            .starts_with("error x 0: Messages of this route reach the upstream on \"a/#\" and come back by route 1 of "
                         "bridge y on \"a/#\"; from there they leave again by this route, without end."));
    CHECK(checked({{"x", {"c:1"}, {out_route("a")}}, {"y", {"c:1"}, {in_route("a")}}}).starts_with("error x 0: "));
}

TEST_CASE("the complaint about an invalid route comes first, and its bridge is not compared") {
    CHECK(
        checked_one({out_route("a"), in_route("a/#/b"), in_route("a")}).starts_with("error cloud 1: local_prefix + "));
}

TEST_CASE("two routes of one direction for one topic: the first one carries it") {
    CHECK(checked_one({out_route("a/#", "", "x/"), out_route("+/b", "", "y/")}) ==
          "warning cloud 1: This route and route 1 both match \"a/b\". The route that comes first in the configuration "
          "carries these messages.");
    CHECK(checked_one({in_route("a/#", "x/"), in_route("a/b", "y/")}).starts_with("warning cloud 1: This route and"));
}

TEST_CASE("outgoing routes of different QoS lose the order between them") {
    Route exact = out_route("b");
    exact.qos = wire::QoS::exactly_once;
    CHECK(checked_one({out_route("a"), exact}) ==
          "warning cloud 1: This route and route 1 have different qos. Messages of different QoS may overtake each "
          "other.");
}

}  // namespace
}  // namespace ledge::bridge
