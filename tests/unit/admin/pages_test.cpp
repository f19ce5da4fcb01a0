#include "ledge/admin/pages.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "ledge/base/log.hpp"
#include "ledge/base/percent.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/runtime/broker_loop.hpp"

using namespace ledge;
using namespace ledge::admin;

namespace {

constexpr std::string_view token = "a-token-of-24-characters";

/// A broker that nobody can reach, and its pages.
struct Site {
    explicit Site(std::string_view with_token = {}, bool is_for_anybody = false)
        : pages("1.2.3", std::string(with_token), log, Instant{}) {
        runtime::BrokerLoopOptions options;
        options.shard.listeners.emplace_back().allow_anonymous = is_for_anybody;
        options.endpoints.emplace_back().port = 0;
        options.handles_signals = false;
        auto made = runtime::BrokerLoop::create(std::move(options), log);
        REQUIRE(made.ok());
        loop = std::move(*made);
        pages.attach(*loop, {});
    }

    transport::HttpAnswer get(std::string_view path, bool is_admin = true, std::string_view host = "127.0.0.1",
                              std::string_view given_token = {}, std::string_view address = {}) {
        transport::HttpRequest request;
        request.path = path;
        request.host = host;
        request.bearer_token = given_token;
        request.is_admin = is_admin;
        request.address = address;
        return ask(request);
    }
    transport::HttpAnswer ask(const transport::HttpRequest& request) { return pages.answer(request, Instant{} + 90s); }

    std::vector<std::string> events;
    Log log{LogLevel::info,
            [](void* self, const LogRecord& record) { static_cast<Site*>(self)->events.emplace_back(record.event); },
            this};
    Pages pages;
    std::unique_ptr<runtime::BrokerLoop> loop;
};

std::string error_of_token(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "ledge-token-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    std::ofstream(name, std::ios::binary) << text;
    const auto read = read_token(name);
    std::filesystem::remove(name);
    return read ? "" : text_of(read.error());
}

}  // namespace

TEST_CASE("nothing is ready before there is a broker") {
    const Log log;
    Pages pages("1", "", log, Instant{});
    transport::HttpRequest request;
    request.path = "/healthz";
    CHECK(pages.answer(request, Instant{}).status == 503);
}

TEST_CASE("/healthz is for everybody") {
    Site site(token);
    CHECK(site.get("/healthz").status == 200);
    CHECK(site.get("/healthz", false, "anything").status == 200);
    CHECK(site.get("/healthz").body ==
          "{\"ready\":true,\"store\":\"none\",\"store_found\":\"whole\",\"store_waiting_s\":0,"
          "\"degraded\":false,\"bridges\":[],\"uptime_s\":90}\n");
}

TEST_CASE("/healthz is red while commits are postponed or the store has failed, and says how the store was found") {
    Site site;
    broker::StoreFigures figures;
    figures.is_used = true;
    figures.start_state = broker::StartState::lost;
    site.loop->shard().note_store(figures);
    CHECK(site.get("/healthz").status == 200);
    CHECK(site.get("/healthz").body.find("\"store\":\"ok\",\"store_found\":\"lost\"") != std::string::npos);
    figures.is_postponed = true;
    figures.waiting_since = Instant{};
    site.loop->shard().note_store(figures);
    CHECK(site.get("/healthz").status == 503);
    CHECK(site.get("/healthz").body.find("{\"ready\":false,\"store\":\"postponed\"") == 0);
    site.loop->shard().on_store_failed(Instant{});
    CHECK(site.get("/healthz").status == 503);
}

TEST_CASE("without a token, /metrics and /api are read by an address at the admin listener") {
    Site site;
    for (const std::string_view path : {"/metrics", "/api/v1/"}) {
        CHECK(site.get(path).status == 200);
        CHECK(site.get(path, true, "localhost").status == 200);
        CHECK(site.get(path, true, "::1").status == 200);
        CHECK(site.get(path, true, "rebound.example").status == 403);
        CHECK(site.get(path, true, "").status == 403);
        CHECK(site.get(path, false).status == 403);
    }
}

TEST_CASE("with a token, they ask for it, and for nothing else") {
    Site site(token);
    CHECK(site.get("/metrics").status == 401);
    CHECK(site.get("/metrics", true, "127.0.0.1", "a-token-of-24-characterz").status == 401);
    CHECK(site.get("/metrics", true, "127.0.0.1", token.substr(1)).status == 401);
    CHECK(site.get("/metrics", true, "any.example", token).status == 200);
    CHECK(site.get("/metrics", false, "any.example", token).status == 200);
    CHECK(site.get("/metrics", false, "any.example", token).content_type == "text/plain; version=0.0.4; charset=utf-8");
}

TEST_CASE("wrong tokens are logged, and an address that tries many is refused for a while") {
    Site site(token);
    const auto asks = [&](std::string_view with, std::string_view address) {
        return site.get("/metrics", true, "any.example", with, address).status;
    };
    for (int i = 0; i < 20; ++i) CHECK(asks("a-token-of-24-characterz", "192.0.2.66:1000") == 401);
    CHECK(asks("a-token-of-24-characterz", "192.0.2.66:1001") == 429);
    CHECK(asks(token, "192.0.2.66:1002") == 429);
    CHECK(asks(token, "192.0.2.7:1") == 200);
    CHECK(site.events.size() == 20);
    CHECK(site.events[0] == "admin_token_wrong");
}

TEST_CASE("a program with an old token does not keep the operator at its address out") {
    Site site(token);
    const auto asks = [&](std::string_view with) {
        return site.get("/metrics", true, "any.example", with, "192.0.2.1:1").status;
    };
    CHECK(asks(token) == 200);
    for (int i = 0; i < 100; ++i) CHECK(asks("an-old-token-that-is-wrong") == 401);
    CHECK(asks(token) == 200);
}

TEST_CASE("a certificate stands for the token and for an address, at the admin listener only") {
    for (const std::string_view configured : {std::string_view(), token}) {
        Site site(configured);
        transport::HttpRequest request;
        request.path = "/metrics";
        request.host = "pages.example";
        request.has_certificate = true;
        CHECK(site.ask(request).status != 200);
        request.is_admin = true;
        CHECK(site.ask(request).status == 200);
        request.has_certificate = false;
        CHECK(site.ask(request).status != 200);
    }
}

TEST_CASE("what is not there is 404") {
    Site site;
    for (const std::string_view path :
         {"/", "/healthz/", "/metric", "/api", "/api/v2/", "/api/v1/clients", "/api/v1/sessionsx"}) {
        CHECK(site.get(path).status == 404);
    }
}

namespace {

/// A client of the site's broker with a session that stays.
void connect(Site& site, std::string_view client_id) {
    broker::Peer peer;
    peer.address = "192.0.2.1:1";
    session::Connection* connection = site.loop->shard().open(peer, nullptr, Instant{});
    REQUIRE(connection != nullptr);
    std::string packet("\x10", 1);
    packet += static_cast<char>(18 + client_id.size());
    packet += std::string("\0\4MQTT\5\0\0\0\5\x11\0\0\x0E\x10\0", 17);
    packet += static_cast<char>(client_id.size());
    packet += client_id;
    site.loop->shard().on_bytes(*connection, as_bytes(packet), Instant{});
}

transport::HttpAnswer remove(Site& site, std::string_view path, std::string_view host = "127.0.0.1",
                             std::string_view given_token = {}) {
    transport::HttpRequest request;
    request.is_removal = true;
    request.path = path;
    request.host = host;
    request.bearer_token = given_token;
    request.is_admin = true;
    return site.ask(request);
}

}  // namespace

TEST_CASE("sessions are listed in pages, their ids quoted in JSON and percent-encoded in the query") {
    Site site({}, true);
    for (const std::string_view id : {"a \"quoted\"", "b", "c/d"}) connect(site, id);
    const auto page = [&](std::string_view query) {
        transport::HttpRequest request;
        request.path = "/api/v1/sessions";
        request.query = query;
        request.host = "127.0.0.1";
        request.is_admin = true;
        return site.ask(request);
    };
    CHECK(page("").body.find("{\"client_id\":\"a \\\"quoted\\\"\",\"user\":\"\",\"connected\":true") !=
          std::string::npos);
    CHECK(page("").body.find("\"next\":null") != std::string::npos);
    CHECK(page("limit=2").body.find("\"next\":\"b\"") != std::string::npos);
    CHECK(page("limit=2&after=b").body.find("c/d") != std::string::npos);
    CHECK(page("after=a%20%22quoted%22&limit=1").body.find("\"next\":\"b\"") != std::string::npos);
    for (const std::string_view wrong : {"limit=0", "limit=1001", "limit=x", "after=%2", "after=%zz", "name=x", "&"})
        CHECK_MESSAGE(page(wrong).status == 400, wrong);
}

TEST_CASE("a session is removed with DELETE by those who may read the pages, and by nobody else") {
    Site open({}, true);
    connect(open, "c/d");
    CHECK(remove(open, "/api/v1/sessions/c%2Fd", "rebound.example").status == 403);
    CHECK(remove(open, "/api/v1/sessions/nobody").status == 404);
    CHECK(remove(open, "/api/v1/sessions/%zz").status == 400);
    CHECK(remove(open, "/api/v1/sessions/").status == 400);
    CHECK(remove(open, "/metrics").status == 405);
    CHECK(remove(open, "/healthz").status == 405);
    CHECK(open.get("/api/v1/sessions/c%2Fd").status == 405);
    CHECK(remove(open, "/api/v1/sessions/c%2Fd").status == 200);
    CHECK(remove(open, "/api/v1/sessions/c%2Fd").status == 404);
    Site closed(token, true);
    connect(closed, "c");
    CHECK(remove(closed, "/api/v1/sessions/c").status == 401);
    CHECK(remove(closed, "/api/v1/sessions/c", "any.example", token).status == 200);
}

TEST_CASE("with a store that has failed no session is removed: a restart would bring it back") {
    Site site({}, true);
    connect(site, "c");
    site.loop->shard().on_store_failed(Instant{});
    CHECK(remove(site, "/api/v1/sessions/c").status == 503);
}

TEST_CASE("a token file has one line of visible characters") {
    CHECK(error_of_token(std::string(token) + "\n").empty());
    CHECK(error_of_token(std::string(token) + "\r\n").empty());
    CHECK(error_of_token(std::string(16, 'x')).empty());
    CHECK(error_of_token(std::string(1024, 'x') + "\n").empty());
    for (const std::string& text :
         {std::string(), std::string(15, 'x'), std::string(1025, 'x'), std::string("a token with blanks in it"),
          std::string("a-token-of-24-\xC3\xA4haracters"), std::string("a-token-of-two-\nlines-and-more")}) {
        CHECK(error_of_token(text).find("one line of 16 to 1024 visible ASCII characters") != std::string::npos);
    }
    CHECK(text_of(read_token("/nonexistent/token").error()).starts_with("/nonexistent/token cannot be opened: "));
}
