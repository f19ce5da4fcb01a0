// The resources of operators without clients: bans, publications, retained messages, and what is wrong in requests.
// tests/e2e/cases_inspect.py has the same with clients.
#include "api_site.hpp"

namespace ledge::admin {
namespace {

using test::ApiSite;
using enum transport::HttpMethod;

bool has(const transport::HttpAnswer& answer, std::string_view text) {
    return answer.body.find(text) != std::string::npos;
}

TEST_CASE("a ban is added, listed and lifted") {
    ApiSite site;
    const auto added = site.ask(
        ApiSite::with_body(post, "/api/v1/bans", R"({"client_id":"a\"<b>","seconds":60,"reason":"it floods"})"));
    CHECK(added.status == 201);
    CHECK(has(added, R"("number":1)"));
    CHECK(has(added, R"("remaining_s":60)"));
    CHECK(has(site.get("/api/v1/bans"), R"("client_id":"a\"<b>")"));
    CHECK(site.ask(ApiSite::with_method(remove, "/api/v1/bans/1")).status == 204);
    CHECK(site.ask(ApiSite::with_method(remove, "/api/v1/bans/1")).status == 404);
    CHECK(site.ask(ApiSite::with_method(remove, "/api/v1/bans/x")).status == 404);
    CHECK_FALSE(has(site.get("/api/v1/bans"), "number"));
}

TEST_CASE("the log names the subject of an action, whether the path has it or the body") {
    ApiSite site;
    site.ask(ApiSite::with_body(post, "/api/v1/bans", R"({"client_id":"meter","seconds":9})"));
    CHECK(site.subject == "meter");
    site.ask(ApiSite::with_body(post, "/api/v1/publish", R"({"topic":"a/b","payload":"x"})"));
    CHECK(site.subject == "a/b");
    site.ask(ApiSite::with_body(put, "/api/v1/retained/c/d", R"({"payload":"x"})"));
    CHECK(site.subject == "c/d");
}

TEST_CASE("a wrong ban is refused with the field that is wrong") {
    struct Wrong {
        std::string_view body;
        std::string_view field;
    };
    for (const Wrong& wrong :
         {Wrong{R"({"seconds":60})", "client_id"}, Wrong{R"({"client_id":"a","user":"b","seconds":60})", "client_id"},
          Wrong{R"({"client_id":"a"})", "seconds"}, Wrong{R"({"client_id":"a","seconds":0})", "seconds"},
          Wrong{R"({"client_id":"a","seconds":-1})", "seconds"},
          Wrong{R"({"address":"192.0.2.1:80","seconds":1})", "address"},
          Wrong{R"({"client_id":"a","seconds":1,"colour":"red"})", "colour"}}) {
        CAPTURE(wrong.body);
        ApiSite site;
        const auto answer = site.ask(ApiSite::with_body(post, "/api/v1/bans", wrong.body));
        CHECK(answer.status == 400);
        CHECK(has(answer, "\"field\":\"" + std::string(wrong.field) + "\""));
    }
}

TEST_CASE("a retained message is put, read with a tag, listed, found in the tree, and removed") {
    ApiSite site;
    CHECK(site.get("/api/v1/retained/plant/1/temperature").status == 404);
    CHECK(site.ask(ApiSite::with_body(put, "/api/v1/retained/plant/1/temperature", R"({"payload":"21 °C"})")).status ==
          204);
    const auto read = site.get("/api/v1/retained/plant/1/temperature");
    CHECK(read.status == 200);
    CHECK(has(read, R"("topic":"plant/1/temperature")"));
    CHECK(has(read, R"("payload":"21 °C")"));
    CHECK_FALSE(read.etag.empty());
    CHECK(site.get("/api/v1/retained/plant/1/temperature").etag == read.etag);
    CHECK(has(site.get("/api/v1/retained", "filter=plant/%23"), R"("truncated":false)"));
    CHECK(has(site.get("/api/v1/retained-tree"),
              R"("level":"plant","topic":"plant","has_message":false,"descendants":1)"));
    CHECK(has(site.get("/api/v1/retained-tree", "below=plant%2F1"), R"("level":"temperature")"));
    CHECK(site.ask(ApiSite::with_method(remove, "/api/v1/retained/plant/1/temperature")).status == 204);
    CHECK(site.ask(ApiSite::with_method(remove, "/api/v1/retained/plant/1/temperature")).status == 404);
}

TEST_CASE("payloads that are not text travel in base64, and long ones are cut between characters in lists") {
    ApiSite site;
    CHECK(site.ask(ApiSite::with_body(put, "/api/v1/retained/a", R"({"payload_base64":"/wAB"})")).status == 204);
    CHECK(has(site.get("/api/v1/retained/a"), R"("payload_base64":"/wAB")"));
    std::string text;
    for (int i = 0; i < 200; ++i) text += "\xC3\xA4x";  // three bytes, so that byte 256 is within a character
    CHECK(site.ask(ApiSite::with_body(put, "/api/v1/retained/b", R"({"payload":")" + text + "\"}")).status == 204);
    const auto list = site.get("/api/v1/retained", "filter=b");
    CHECK(has(list, R"("payload_bytes":600)"));
    CHECK(has(list, "\"payload\":\"" + text.substr(0, 255) + "\""));
    CHECK(has(list, R"("truncated":true)"));
}

TEST_CASE("pages of retained messages follow each other by the cursor") {
    ApiSite site;
    for (const char* topic : {"a", "b", "c"})
        site.ask(ApiSite::with_body(put, std::string("/api/v1/retained/") + topic, R"({"payload":"x"})"));
    const auto first = site.get("/api/v1/retained", "limit=2");
    const std::size_t at = first.body.find(R"("next":")");
    REQUIRE(at != std::string::npos);
    const std::string next = first.body.substr(at + 8, first.body.find('"', at + 8) - at - 8);
    const auto second = site.get("/api/v1/retained", "limit=2&after=" + next);
    CHECK(has(second, R"("topic":"c")"));
    CHECK_FALSE(has(second, "next"));
    CHECK(site.get("/api/v1/retained", "after=xyz").status == 400);
}

TEST_CASE("a message is published with its properties, and a wrong one is refused with its field") {
    ApiSite site;
    const auto sent = site.ask(ApiSite::with_body(
        post, "/api/v1/publish",
        R"({"topic":"a","payload":"x","qos":1,"retain":true,"content_type":"text/plain","response_topic":"r",)"
        R"("correlation_data_base64":"AQI=","user_properties":[["k","v"]],"expiry_interval_s":60})"));
    CHECK(sent.status == 200);
    CHECK(has(sent, R"("matched":0)"));
    const auto kept = site.get("/api/v1/retained/a");
    CHECK(has(kept, R"("content_type":"text/plain")"));
    CHECK(has(kept, R"("response_topic":"r")"));
    CHECK(has(kept, R"("correlation_data_base64":"AQI=")"));
    CHECK(has(kept, R"(["k","v"])"));
    CHECK(has(kept, R"("expires_in_s":)"));
    struct Wrong {
        std::string_view body;
        std::string_view field;
    };
    for (const Wrong& wrong :
         {Wrong{R"({"payload":"x"})", "topic"}, Wrong{R"({"topic":"a/#","payload":"x"})", "topic"},
          Wrong{R"({"topic":"$SYS/x","payload":"x"})", "topic"}, Wrong{R"({"topic":"a"})", "payload"},
          Wrong{R"({"topic":"a","payload":"x","payload_base64":"AA=="})", "payload"},
          Wrong{R"({"topic":"a","payload_base64":"?"})", "payload_base64"},
          Wrong{R"({"topic":"a","payload":"x","qos":3})", "qos"},
          Wrong{R"({"topic":"a","payload":"x","response_topic":"+"})", "response_topic"}}) {
        CAPTURE(wrong.body);
        const auto answer = site.ask(ApiSite::with_body(post, "/api/v1/publish", wrong.body));
        CHECK(answer.status == 400);
        CHECK(has(answer, "\"field\":\"" + std::string(wrong.field) + "\""));
    }
}

TEST_CASE("a text of JSON that MQTT does not allow is refused, and is no end of the broker") {
    ApiSite site;
    const std::string long_text(65'536, 'x');
    const auto status_with = [&site](const std::string& members) {
        const std::string body = R"({"topic":"a","payload":"x",)" + members + "}";
        const auto answer = site.ask(ApiSite::with_body(post, "/api/v1/publish", body));
        CHECK(has(answer, "\"field\":\"" + members.substr(1, members.find('"', 1) - 1) + "\""));
        return answer.status;
    };
    for (const std::string& text : {long_text, std::string("a\\u0000b")}) {
        CHECK(status_with(R"("content_type":")" + text + '"') == 400);
        CHECK(status_with(R"("response_topic":")" + text + '"') == 400);
        CHECK(status_with(R"("user_properties":[["k",")" + text + R"("]])") == 400);
        CHECK(status_with(R"("user_properties":[[")" + text + R"(","v"]])") == 400);
    }
    CHECK(status_with(R"("correlation_data_base64":")" + std::string(88'000, 'A') + '"') == 400);
    const auto topic = site.ask(ApiSite::with_body(post, "/api/v1/publish", R"({"topic":"a\u0000","payload":"x"})"));
    CHECK(topic.status == 400);
    const auto kept = site.ask(ApiSite::with_body(put, "/api/v1/retained/a%00b", R"({"payload":"x"})"));
    CHECK(kept.status == 400);
    CHECK(site.get("/api/v1/retained").body.find("\"topic\"") == std::string::npos);
}

TEST_CASE("questions about clients that do not exist, and wrong parameters, are answered so") {
    ApiSite site;
    CHECK(has(site.get("/api/v1/clients"), R"("clients":[])"));
    for (const char* path : {"/api/v1/clients/no%2Fbody", "/api/v1/clients/nobody/subscriptions"})
        CHECK(site.get(path).status == 404);
    for (const char* path :
         {"/api/v1/clients/nobody", "/api/v1/clients/nobody/connection", "/api/v1/clients/nobody/queue"})
        CHECK(site.ask(ApiSite::with_method(remove, path)).status == 404);
    CHECK(site.get("/api/v1/clients", "state=asleep").status == 400);
    CHECK(site.get("/api/v1/clients", "order=colour").status == 400);
    CHECK(site.get("/api/v1/clients", "limit=1001").status == 400);
    CHECK(site.get("/api/v1/who-gets").status == 400);
    CHECK(site.get("/api/v1/who-gets", "topic=a/%2B").status == 400);
    CHECK(has(site.get("/api/v1/who-gets", "topic=a"), R"("subscribers":[])"));
    CHECK(has(site.get("/api/v1/shares"), R"("shares":[])"));
    CHECK(site.get("/api/v1/shares", "after=61").status == 400);  // "a"
    CHECK(has(site.get("/api/v1/refusals", "kind=refused"), R"("refusals":[])"));
    CHECK(has(site.get("/api/v1/memory"), R"("kind":"messages")"));
}

}  // namespace
}  // namespace ledge::admin
