// What all resources of the API have in common, and those that are not about clients and messages.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "api_site.hpp"
#include "ledge/base/json_reader.hpp"
#include "ongoing.hpp"
#include "routes.hpp"

using namespace ledge;
using namespace ledge::admin;
using transport::HttpMethod;

namespace {

std::string field_of(const transport::HttpAnswer& answer) {
    CHECK(answer.status == 400);
    CHECK(answer.content_type == "application/problem+json");
    const auto body = JsonDocument::parse(answer.body);
    REQUIRE(body.has_value());
    return std::string(body->root().text("field").value_or(""));
}

}  // namespace

TEST_CASE("a pattern fits a path part by part, and its parameters are decoded") {
    const auto one = match("/clients/{id}/queue", "/clients/a%2Fb/queue");
    REQUIRE(one.has_value());
    CHECK(one->front().second == "a/b");
    const auto rest = match("/retained/{topic*}", "/retained/a/b%20c");
    REQUIRE(rest.has_value());
    CHECK(rest->front().second == "a/b c");
    CHECK(match("/clients", "/clients").has_value());
    for (const std::string_view path : {"/clients/", "/clients//queue", "/clients/a", "/clients/a/queue/b", "/client",
                                        "/clients/%zz/queue", "/clients/%ff/queue", "", "clients/a/queue"}) {
        CHECK_FALSE_MESSAGE(match("/clients/{id}/queue", path).has_value(), path);
    }
    CHECK_FALSE(match("/retained/{topic*}", "/retained/").has_value());
    CHECK_FALSE(match("/retained/{topic*}", "/retained").has_value());
}

TEST_CASE("a wrong parameter or member is refused with its name") {
    test::ApiSite site;
    CHECK(field_of(site.get("/api/v1/overview", "x=1")) == "x");
    CHECK(field_of(site.get("/api/v1/stream", "interval_s=61")) == "interval_s");
    CHECK(field_of(site.get("/api/v1/stream", "interval_s=1&interval_s=2")) == "interval_s");
    for (const std::string_view path :
         {"/api/v1/clients", "/api/v1/retained", "/api/v1/retained-tree", "/api/v1/shares"})
        CHECK(field_of(site.get(path, "after=xyz")) == "after");
    CHECK(field_of(site.get("/api/v1/clients", "user=%zz")) == "user");
    CHECK(field_of(site.get("/api/v1/clients", "user=%ff")) == "user");
    CHECK(field_of(site.get("/api/v1/shares", "after=61")) == "after");
    const auto put = [&](std::string_view body) {
        return site.ask(test::ApiSite::with_body(HttpMethod::put, "/api/v1/log-level", body));
    };
    CHECK(field_of(put("{\"level\":\"loud\"}")) == "level");
    CHECK(field_of(put("{\"level\":1}")) == "level");
    CHECK(field_of(put("{\"level\":\"info\",\"seconds\":-1}")) == "seconds");
    CHECK(field_of(put("{\"level\":\"info\",\"more\":null}")) == "more");
    CHECK(put("[]").status == 400);
    CHECK(put("{\"level\":\"info\",\"level\":\"info\"}").status == 400);
    transport::HttpRequest form = test::ApiSite::with_body(HttpMethod::put, "/api/v1/log-level", "{}");
    form.content_type = "text/plain";
    CHECK(site.ask(form).status == 415);
}

TEST_CASE("another method is refused with those that the resource has") {
    test::ApiSite site;
    const auto answer = site.ask(test::ApiSite::with_method(HttpMethod::put, "/api/v1/store"));
    CHECK(answer.status == 405);
    REQUIRE(answer.fields.size() == 1);
    CHECK(answer.fields[0].value == "GET, HEAD");
}

TEST_CASE("a reload is answered by the reading that begins after it") {
    test::ApiSite site;
    const auto post = test::ApiSite::with_method(HttpMethod::post, "/api/v1/reload");
    CHECK(site.ask(post).status == 503);  // without a configuration
    int reloads = 0;
    Operations operations;
    operations.reload = [&reloads] { ++reloads; };
    site.pages.set_operations(std::move(operations));
    const auto first = site.send(post);
    site.pages.on_reload_begun();
    const auto second = site.send(post);
    site.pages.on_reloaded({.is_taken = false, .complaints = {"a.toml:1: wrong"}, .restart_keys = {}});
    CHECK(first->result.body == "{\"taken\":false,\"complaints\":[\"a.toml:1: wrong\"],\"needs_restart\":[]}\n");
    CHECK(second->is_waiting());
    site.pages.on_reload_begun();
    site.pages.on_reloaded({.is_taken = true, .complaints = {}, .restart_keys = {"store.path"}});
    CHECK(second->result.body == "{\"taken\":true,\"complaints\":[],\"needs_restart\":[\"store.path\"]}\n");
    CHECK(reloads == 2);
    CHECK(site.events.back() == "admin_action");
}

TEST_CASE("at most 16 streams of the overview, and a place is free again when a peer goes") {
    test::ApiSite site;
    std::vector<std::shared_ptr<test::FakeExchange>> peers;
    const auto request = test::ApiSite::local("/api/v1/stream");
    for (int i = 0; i < 16; ++i) peers.push_back(site.send(request));
    CHECK(site.send(request)->result.status == 503);
    site.loop->turn(Duration::zero());
    CHECK(peers[0]->result.content_type == "text/event-stream");
    CHECK(peers[0]->result.body.starts_with("event: overview\ndata: {\"version\":\"1.2.3\""));
    CHECK(peers[0]->result.body.ends_with("\n\n"));
    peers[0]->go();
    site.loop->turn(Duration::zero());
    CHECK(site.send(request)->is_streaming());
}

TEST_CASE("the store of a broker without one can be neither copied nor compacted") {
    test::ApiSite site;
    CHECK(site.get("/api/v1/store").body.starts_with("{\"state\":\"none\""));
    CHECK(site.get("/api/v1/store/backup").status == 409);
    CHECK(site.ask(test::ApiSite::with_method(HttpMethod::post, "/api/v1/store/compact")).status == 409);
}

TEST_CASE("a backup that the end of the broker cuts short has no mark of a whole one") {
    std::string folder = (std::filesystem::temp_directory_path() / "ledge-backup-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::string program = folder + "/program";
    std::ofstream(program) << "#!/bin/sh\nexec head -c 100000 /dev/zero >\"$4\"\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    for (const std::size_t room : {std::size_t{0}, std::size_t{64 * 1024}}) {
        test::ApiSite site;
        Operations operations;
        operations.store_path = folder;
        operations.program = program;
        site.pages.set_operations(std::move(operations));
        const auto exchange = site.send(test::ApiSite::local("/api/v1/store/backup"));
        exchange->room = room;
        for (int i = 0; i < 1000 && exchange->is_waiting(); ++i) site.loop->turn(10ms);
        // With room for it the copy is sent at once.
        CHECK(exchange->is_streaming() == (room == 0));
        site.loop->stop();
        CHECK_FALSE(exchange->is_streaming());
        CHECK(exchange->is_complete_stream == (room > 0));
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("there is no bridge to steer without a bridge") {
    test::ApiSite site;
    CHECK(site.get("/api/v1/bridges").body == "{\"bridges\":[]}\n");
    CHECK(site.ask(test::ApiSite::with_method(HttpMethod::post, "/api/v1/bridges/x/pause")).status == 404);
}

namespace {

struct Steps final : Ongoing {
    Steps(int& done, int wanted, Duration pause) : count(done), left(wanted), wait(pause) {}
    std::optional<Instant> go_on(Instant now) override {
        ++count;
        return --left == 0 ? std::nullopt : std::optional(now + wait);
    }
    int& count;
    int left;
    Duration wait;
};

}  // namespace

TEST_CASE("work of several turns does one part per turn, or waits for its time") {
    OngoingWork work;
    int quick = 0;
    int slow = 0;
    work.add(std::make_unique<Steps>(quick, 2, Duration::zero()));
    const Ongoing* waiting = work.add(std::make_unique<Steps>(slow, 3, 1s));
    const Instant start{};
    work.on_time(start);
    CHECK(quick == 1);
    CHECK(slow == 1);
    CHECK(work.is_due(start));
    work.on_time(start);
    CHECK(quick == 2);
    CHECK(slow == 1);
    CHECK(work.next_deadline() == start + 1s);
    work.wake(waiting);
    CHECK(work.is_due(start));
    work.on_time(start);
    CHECK(slow == 2);
    work.on_time(start + 1s);
    CHECK(slow == 3);
    CHECK(work.next_deadline() == never);
}
