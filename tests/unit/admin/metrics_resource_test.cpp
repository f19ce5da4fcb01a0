#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "api_site.hpp"
#include "ledge/base/json_reader.hpp"
#include "ledge/broker/store_figures.hpp"

namespace ledge::admin::test {
namespace {

/// The samples of an answer of GET /api/v1/metrics.
struct Samples {
    explicit Samples(const transport::HttpAnswer& answer) : document(JsonDocument::parse(answer.body)) {
        REQUIRE(answer.status == 200);
        REQUIRE(document.has_value());
        list = *document->root().objects("metrics");
    }
    /// The only sample with this name, or the one whose label has the value.
    JsonObject one(std::string_view name, std::string_view label = {}, std::string_view value = {}) const {
        std::optional<JsonObject> found;
        for (const JsonObject& sample : list) {
            if (sample.text("name") != name) continue;
            if (!label.empty() && sample.object("labels")->text(label) != value) continue;
            REQUIRE(!found.has_value());
            found = sample;
        }
        REQUIRE(found.has_value());
        return *found;
    }

    std::optional<JsonDocument> document;
    std::vector<JsonObject> list;
};

TEST_CASE("GET /api/v1/metrics has the samples of /metrics, with type, unit and labels") {
    ApiSite site({}, true);
    const Instant now = site.loop->now();
    session::Connection* peer = site.loop->shard().open({0, "192.0.2.1:1"}, nullptr, now);
    REQUIRE(peer != nullptr);
    const Samples samples(site.get("/api/v1/metrics"));
    const JsonObject opened = samples.one("ledgemq_connections_opened_total");
    CHECK(opened.text("type") == "counter");
    CHECK(opened.text("unit") == "");
    CHECK(opened.whole_number("value") == 1);
    CHECK(opened.object("labels")->names().empty());
    const JsonObject uptime = samples.one("ledgemq_uptime_seconds");
    CHECK(uptime.whole_number("value").has_value());
    CHECK(uptime.text("unit") == "seconds");
    CHECK(samples.one("ledgemq_build_info").object("labels")->text("version") == "1.2.3");
    CHECK(samples.one("ledgemq_listener_accepted_total").whole_number("value") == 1);
    CHECK(samples.one("ledgemq_listener_connections", "stage", "arriving").whole_number("value") == 1);
    CHECK(samples.one("ledgemq_listener_connections", "stage", "client").whole_number("value") == 0);
    CHECK(*samples.one("process_resident_memory_bytes").whole_number("value") > 100'000);
    site.loop->shard().on_closed(*peer, now);
}

TEST_CASE("a histogram has its count, its sum and its cumulative buckets") {
    ApiSite site;
    broker::StoreFigures store;
    store.is_used = true;
    store.used_fraction = 0.25;
    store.commit_us.note(1'500);
    store.commit_us.note(40'000'000);
    store.commit_us.note(80'000'000);  // above all bounds
    site.loop->shard().note_store(store);
    const transport::HttpAnswer answer = site.get("/api/v1/metrics");
    const Samples samples(answer);
    const JsonObject commits = samples.one("ledgemq_store_commit_duration_seconds");
    CHECK(commits.text("type") == "histogram");
    CHECK(commits.whole_number("value") == 3);
    CHECK(answer.body.find(R"("value":3,"sum":120.0015,"buckets":[)") != std::string::npos);
    const auto buckets = *commits.objects("buckets");
    REQUIRE(buckets.size() == Histogram::buckets);
    CHECK(buckets.front().whole_number("count") == 0);
    CHECK(buckets[4].whole_number("count") == 1);  // up to 0.002048 s
    CHECK(buckets.back().whole_number("count") == 2);
    CHECK(answer.body.find(R"({"up_to":0.002048,"count":1})") != std::string::npos);
    CHECK(answer.body.find(
              R"("name":"ledgemq_store_used_ratio","type":"gauge","unit":"ratio","labels":{},"value":0.25)") !=
          std::string::npos);
}

TEST_CASE("the metrics of the API take no parameter") {
    CHECK(ApiSite().get("/api/v1/metrics", "name=x").status == 400);
}

}  // namespace
}  // namespace ledge::admin::test
