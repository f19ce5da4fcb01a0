// The table of upstreams. Each fact is a check, so that a change of a row is noticed.
#include "ledge/bridge/upstream_profile.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "routes.hpp"

namespace ledge::bridge {
namespace {

using wire::QoS;

const UpstreamProfile& named(std::string_view name) {
    const auto rows = all_profiles();
    const auto found = std::ranges::find(rows, name, &UpstreamProfile::name);
    REQUIRE(found != rows.end());
    return *found;
}

TEST_CASE("every row has a name, a version and a source, and is found by its name") {
    for (const UpstreamProfile& row : all_profiles()) {
        CAPTURE(row.name);
        CHECK_FALSE(row.version.empty());
        CHECK_FALSE(row.source.empty());
        CHECK(&named(row.name) == &profile_of(row.kind));
        CHECK(row.filters_per_subscribe > 0);
        CHECK(row.topic_levels_max > 0);
    }
}

TEST_CASE("rule 7: QoS 2 only towards upstreams that are known to do it") {
    for (const char* name : {"ledgemq", "mosquitto", "aedes", "hivemq", "emqx"})
        CHECK(named(name).maximum_qos == QoS::exactly_once);
    for (const char* name : {"generic", "rabbitmq", "nats", "activemq", "aws_iot", "azure_iot"})
        CHECK(named(name).maximum_qos == QoS::at_least_once);
}

TEST_CASE("well-known host names tell the kind") {
    CHECK(kind_of_host("abc-ats.iot.eu-west-1.amazonaws.com") == UpstreamKind::aws_iot);
    CHECK(kind_of_host("abc.iot.eu-west-1.amazonaws.com") == UpstreamKind::aws_iot);
    CHECK(kind_of_host("abc.ats.iot.cn-north-1.amazonaws.com.cn") == UpstreamKind::aws_iot);
    CHECK(kind_of_host("ABC-ATS.IoT.eu-west-1.AmazonAWS.com.") == UpstreamKind::aws_iot);
    CHECK(kind_of_host("ec2-192-0-2-1.compute-1.amazonaws.com") == UpstreamKind::generic);
    CHECK(kind_of_host("hub.azure-devices.net") == UpstreamKind::azure_iot);
    CHECK(kind_of_host("x.ala.eu-central-1.emqxsl.com") == UpstreamKind::emqx);
    CHECK(kind_of_host("x.emqx.cloud") == UpstreamKind::emqx);
    CHECK(kind_of_host("x.s1.eu.hivemq.cloud") == UpstreamKind::hivemq);
    CHECK(kind_of_host("broker.example") == UpstreamKind::generic);
    CHECK(kind_of_host("amazonaws.com.example") == UpstreamKind::generic);
}

TEST_CASE("rule 12: topics are checked before they are sent") {
    const auto problem = [](const char* name, const std::string& topic, bool asks = false) {
        return problem_of(named(name), topic, asks);
    };
    CHECK(problem("generic", "a/b c/ä") == TopicProblem::none);
    CHECK(problem("generic", "$SYS/x") == TopicProblem::dollar);
    CHECK(problem("aws_iot", "$aws/things/x/shadow/update", true) == TopicProblem::none);
    CHECK(problem("generic", "a\tb") == TopicProblem::control_character);
    CHECK(problem("generic", "a\x7f") == TopicProblem::control_character);
    CHECK(problem("nats", "a.b/c") == TopicProblem::fatal_character);
    CHECK(problem("nats", "a b/c") == TopicProblem::fatal_character);
    CHECK(problem("rabbitmq", "a.b/c") == TopicProblem::none);  // it arrives as a/b/c: advice, no refusal
    CHECK(problem("aedes", std::string(99, '/')) == TopicProblem::none);
    CHECK(problem("aedes", std::string(100, '/')) == TopicProblem::too_many_levels);
    CHECK(problem("mosquitto", std::string(199, '/')) == TopicProblem::none);
    CHECK(problem("aws_iot", "1/2/3/4/5/6/7/8/9") == TopicProblem::too_many_levels);
    CHECK(problem("aws_iot", std::string(257, 'a')) == TopicProblem::too_long);
    for (int i = 1; i <= static_cast<int>(TopicProblem::fatal_character); ++i)
        CHECK_FALSE(text_of(static_cast<TopicProblem>(i)).empty());
}

std::string advice(const char* name, std::vector<Route> routes) {
    std::string text;
    for (const std::string& one : advice_for(named(name), routes)) text += (text.empty() ? "" : "\n") + one;
    return text;
}

TEST_CASE("rules 9, 10, 12 and 16: the advice of a profile to the routes of a bridge") {
    CHECK(advice("mosquitto", {out_route("a.b/#"), in_route("a/+"), in_route("+/b")}) == "");
    CHECK(advice("rabbitmq", {out_route("a.b/#")}) ==
          "rabbitmq changes '.' to '/' and '*' to '+' in topics; \"a.b/#\" has such a character.");
    CHECK(advice("rabbitmq", {in_route("site/#")}) ==
          "rabbitmq sends no retained messages for the filter \"site/#\", because it has a wildcard. Add routes with "
          "exact topics for them.");
    CHECK(
        advice("nats", {out_route("a b")}).starts_with("nats closes the connection for a topic with '.' or a space;"));
    CHECK(advice("nats", {in_route("a/+"), in_route("+/b")}) ==
          "Some incoming routes overlap, and nats may send a copy for each of them. The bridge subscribes to \"+/+\" "
          "instead and drops what no route carries.");
    CHECK(advice("generic", {out_route("#", "", "$up/")}).starts_with("generic drops messages on topics that start"));
    CHECK(advice("aws_iot", {out_route("#", "", "$aws/")}) == "");
    CHECK(advice("aws_iot", {out_route("1/2/3/4/5/6/7/8/9")}).ends_with("has more levels than aws_iot accepts (8)."));
    Route exact = out_route("a");
    exact.qos = QoS::exactly_once;
    CHECK(advice("nats", {exact}) ==
          "The route for \"a\" asks for QoS 2, and nats does QoS 1 at most: duplicates are possible.");
    CHECK(advice("azure_iot", {out_route("a")}) ==
          "azure_iot keeps no retained messages; set retain = \"clear\" for \"a\".");
}

TEST_CASE("rule 9: NATS accepts 63 filters of QoS 1, and one with '#' counts twice") {
    std::vector<Route> routes;
    for (int i = 0; i < 31; ++i) routes.push_back(in_route(std::to_string(i) + "/#"));
    CHECK(advice("nats", routes) == "");
    routes.push_back(in_route("one"));
    CHECK(advice("nats", routes) == "");
    routes.push_back(in_route("two"));
    CHECK(advice("nats", routes) ==
          "The incoming routes need 64 filters of QoS 1 or 2, and nats accepts 63 (a filter that ends in \"/#\" counts "
          "twice). Use fewer, wider filters.");
    for (Route& route : routes) route.qos = QoS::at_most_once;
    CHECK(advice("nats", routes) == "");
}

TEST_CASE("rules 27 and 28: an answer that is no MQTT tells what is wrong") {
    CHECK(hint_of_first_bytes("INFO {\"s").starts_with("the server speaks the NATS protocol"));
    CHECK(hint_of_first_bytes("-ERR 'Un").starts_with("the server speaks the NATS protocol"));
    CHECK(hint_of_first_bytes("\x15\x03\x03").starts_with("the server answers with a TLS alert"));
    CHECK(hint_of_first_bytes("HTTP/1.1").starts_with("the server speaks HTTP"));
    CHECK(hint_of_first_bytes(std::string_view("\x20\x02\x00\x01", 4)) == "");
    CHECK(hint_of_first_bytes("") == "");
}

}  // namespace
}  // namespace ledge::bridge
