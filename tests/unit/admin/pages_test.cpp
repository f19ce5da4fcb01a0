#include "ledge/admin/pages.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "ledge/runtime/broker_loop.hpp"

using namespace ledge;
using namespace ledge::admin;

namespace {

constexpr std::string_view token = "a-token-of-24-characters";

/// A broker that nobody can reach, and its pages.
struct Site {
    explicit Site(std::string_view with_token = {}) : pages("1.2.3", std::string(with_token), Instant{}) {
        runtime::BrokerLoopOptions options;
        options.shard.listeners.emplace_back();
        options.endpoints.emplace_back().port = 0;
        options.handles_signals = false;
        auto made = runtime::BrokerLoop::create(std::move(options), log);
        REQUIRE(made.ok());
        loop = std::move(*made);
        pages.attach(*loop);
    }

    transport::HttpAnswer get(std::string_view path, bool is_admin = true, std::string_view host = "127.0.0.1",
                              std::string_view given_token = {}) const {
        transport::HttpRequest request;
        request.path = path;
        request.host = host;
        request.bearer_token = given_token;
        request.is_admin = is_admin;
        return ask(request);
    }
    transport::HttpAnswer ask(const transport::HttpRequest& request) const {
        return pages.answer(request, Instant{} + 90s);
    }

    Log log;
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
    return read ? "" : read.error();
}

}  // namespace

TEST_CASE("nothing is ready before there is a broker") {
    const Pages pages("1", "", Instant{});
    transport::HttpRequest request;
    request.path = "/healthz";
    CHECK(pages.answer(request, Instant{}).status == 503);
}

TEST_CASE("/healthz is for everybody") {
    const Site site(token);
    CHECK(site.get("/healthz").status == 200);
    CHECK(site.get("/healthz", false, "anything").status == 200);
    CHECK(site.get("/healthz").body == "{\"ready\":true,\"store\":\"none\",\"bridges\":[],\"uptime_s\":90}\n");
}

TEST_CASE("without a token, /metrics and /api are read by an address at the admin listener") {
    const Site site;
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
    const Site site(token);
    CHECK(site.get("/metrics").status == 401);
    CHECK(site.get("/metrics", true, "127.0.0.1", "a-token-of-24-characterz").status == 401);
    CHECK(site.get("/metrics", true, "127.0.0.1", token.substr(1)).status == 401);
    CHECK(site.get("/metrics", true, "any.example", token).status == 200);
    CHECK(site.get("/metrics", false, "any.example", token).status == 200);
    CHECK(site.get("/metrics", false, "any.example", token).content_type == "text/plain; version=0.0.4; charset=utf-8");
}

TEST_CASE("a certificate stands for the token and for an address, at the admin listener only") {
    for (const std::string_view configured : {std::string_view(), token}) {
        const Site site(configured);
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
    const Site site;
    for (const std::string_view path : {"/", "/healthz/", "/metric", "/api", "/api/v2/", "/api/v1/clients"}) {
        CHECK(site.get(path).status == 404);
    }
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
    CHECK(read_token("/nonexistent/token").error().find("cannot be opened") != std::string::npos);
}
