#include "ledge/admin/pages.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api_site.hpp"
#include "ledge/broker/store_figures.hpp"

using namespace ledge;
using namespace ledge::admin;

namespace {

using test::token;

std::vector<AdminToken> tokens_of(std::string_view secret) {
    if (secret.empty()) return {};
    return {{"token", std::string(secret), Right::act}, {"watcher", "another-token-only-to-read", Right::read}};
}

/// A broker that nobody can reach, and its pages, asked as from outside.
struct Visited : test::ApiSite {
    explicit Visited(std::string_view with_token = {}) : test::ApiSite(tokens_of(with_token)) {}

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
    Pages pages("1", {}, log, Instant{});
    transport::HttpRequest request;
    request.path = "/healthz";
    const auto exchange = std::make_shared<test::FakeExchange>();
    pages.answer(request, transport::Responder(exchange), Instant{});
    CHECK(exchange->result.status == 503);
}

TEST_CASE("/healthz is for everybody") {
    Visited site(token);
    CHECK(site.get("/healthz").status == 200);
    CHECK(site.get("/healthz", false, "anything").status == 200);
    CHECK(site.get("/healthz").body ==
          "{\"ready\":true,\"store\":\"none\",\"store_found\":\"whole\",\"store_waiting_s\":0,"
          "\"degraded\":false,\"bridges\":[],\"uptime_s\":90}\n");
}

TEST_CASE("/healthz is red while commits are postponed or the store has failed, and says how the store was found") {
    Visited site;
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
    Visited site;
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
    Visited site(token);
    CHECK(site.get("/metrics").status == 401);
    CHECK(site.get("/metrics", true, "127.0.0.1", "a-token-of-24-characterz").status == 401);
    CHECK(site.get("/metrics", true, "127.0.0.1", token.substr(1)).status == 401);
    CHECK(site.get("/metrics", true, "any.example", token).status == 200);
    CHECK(site.get("/metrics", false, "any.example", token).status == 200);
    CHECK(site.get("/metrics", false, "any.example", token).content_type == "text/plain; version=0.0.4; charset=utf-8");
}

TEST_CASE("wrong tokens are logged, and an address that tries many is refused for a while") {
    Visited site(token);
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
    Visited site(token);
    const auto asks = [&](std::string_view with) {
        return site.get("/metrics", true, "any.example", with, "192.0.2.1:1").status;
    };
    CHECK(asks(token) == 200);
    for (int i = 0; i < 100; ++i) CHECK(asks("an-old-token-that-is-wrong") == 401);
    CHECK(asks(token) == 200);
}

TEST_CASE("a certificate stands for the token and for an address, at the admin listener only") {
    for (const std::string_view configured : {std::string_view(), token}) {
        Visited site(configured);
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
    Visited site;
    for (const std::string_view path : {"/nothing", "/healthz/", "/metric", "/api", "/api/", "/api/v2/",
                                        "/api/v1/clientsx", "/api/v1/sessions", "/api/v1x"}) {
        CHECK(site.get(path).status == 404);
    }
}

TEST_CASE("an action requires the right act, which an address alone does not give") {
    const auto remove = [](Visited& site, std::string_view given_token, std::string_view host = "127.0.0.1") {
        transport::HttpRequest request;
        request.method = transport::HttpMethod::post;
        request.path = "/api/v1/store/compact";
        request.host = host;
        request.bearer_token = given_token;
        request.is_admin = true;
        return site.ask(request).status;
    };
    Visited open;
    CHECK(remove(open, "") == 401);
    CHECK(remove(open, "", "rebound.example") == 403);
    Visited closed(token);
    CHECK(remove(closed, "") == 401);
    CHECK(remove(closed, "another-token-only-to-read") == 403);
    CHECK(closed.events.back() == "admin_action");
    closed.events.clear();
    CHECK(remove(closed, token, "any.example") == 409);  // allowed, but there is no store
    CHECK(closed.events.back() == "admin_action");
}

TEST_CASE("a page of another origin cannot act with the certificate of a browser") {
    Visited site(token);
    const auto compact = [&site](std::string_view origin) {
        transport::HttpRequest request;
        request.method = transport::HttpMethod::post;
        request.path = "/api/v1/store/compact";
        request.host = "gateway.example";
        request.authority = "gateway.example:8443";
        request.origin = origin;
        request.is_admin = true;
        request.has_certificate = true;
        return site.ask(request).status;
    };
    CHECK(compact("") == 409);  // allowed, but there is no store
    CHECK(compact("https://gateway.example:8443") == 409);
    CHECK(compact("https://gateway.example") == 403);
    CHECK(compact("https://stranger.example") == 403);
    CHECK(compact("null") == 403);
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
