// GET /trace: the stream of events, its end, and wrong questions.
#include "api_site.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/session/counters.hpp"

namespace ledge::admin {
namespace {

using test::ApiSite;
using test::FakeExchange;

std::uint64_t running(ApiSite& site) { return site.loop->shard().metrics().counters.traces; }

/// Turns of the loop until the stream ends.
void turn_until_over(ApiSite& site, const FakeExchange& exchange) {
    for (int i = 0; i < 200 && exchange.is_streaming(); ++i) site.loop->turn(10ms);
}

TEST_CASE("a trace streams its events and ends by their count") {
    ApiSite site;
    const auto exchange = site.send(ApiSite::local("/api/v1/trace", "filter=%24SYS%2F%23&events_max=1"));
    REQUIRE(exchange->is_streaming());
    CHECK(exchange->result.content_type == "text/event-stream");
    CHECK(running(site) == 1);
    site.loop->shard().publish_fact("\"x\"", "1", Instant{});
    turn_until_over(site, *exchange);
    CHECK_FALSE(exchange->is_streaming());
    CHECK(exchange->is_complete_stream);
    const std::string& body = exchange->result.body;
    CAPTURE(body);
    CHECK(body.starts_with("event: trace\ndata: {\"t_us\":"));
    CHECK(body.find(R"("stage":"received","client_id":"","topic":"$SYS/broker/\"x\"","qos":0,"packet_id":0,)") !=
          std::string::npos);
    CHECK(body.ends_with("event: end\ndata: {\"reason\":\"count\",\"events\":1}\n\n"));
    CHECK(running(site) == 0);
}

TEST_CASE("a trace ends when its reader goes, and when the broker stops") {
    ApiSite site;
    const auto exchange = site.send(ApiSite::local("/api/v1/trace", "client_id=c"));
    CHECK(running(site) == 1);
    exchange->go();
    for (int i = 0; i < 200 && running(site) > 0; ++i) site.loop->turn(10ms);
    CHECK(running(site) == 0);
    site.send(ApiSite::local("/api/v1/trace", "client_id=c"));
    site.loop.reset();
}

TEST_CASE("a trace needs a client or a filter, and no more than four run") {
    ApiSite site;
    const auto refused = [&](std::string_view query, std::string_view field) {
        const transport::HttpAnswer answer = site.get("/api/v1/trace", query);
        CAPTURE(query);
        CHECK(answer.status == 400);
        CHECK(answer.body.find("\"field\":\"" + std::string(field) + "\"") != std::string::npos);
    };
    refused("", "client_id");
    refused("filter=a%23", "filter");
    refused("filter=%24share%2Fg%2Fa", "filter");
    refused("client_id=c&seconds=601", "seconds");
    refused("client_id=c&events_max=0", "events_max");
    refused("client_id=c&count=1", "count");
    std::vector<std::shared_ptr<FakeExchange>> open;
    for (int i = 0; i < 4; ++i) open.push_back(site.send(ApiSite::local("/api/v1/trace", "client_id=c")));
    CHECK(site.get("/api/v1/trace", "client_id=c").status == 429);
    open.front()->go();
    for (int i = 0; i < 200 && running(site) > 3; ++i) site.loop->turn(10ms);
    CHECK(site.send(ApiSite::local("/api/v1/trace", "client_id=c"))->is_streaming());
}

}  // namespace
}  // namespace ledge::admin
