// The files of the dashboard as answers, in a build with the dashboard and in one without.
#include "dashboard.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "dashboard_bundle.hpp"

namespace ledge::admin {
namespace {

transport::HttpRequest request_for(std::string_view path, std::string_view host) {
    transport::HttpRequest request;
    request.path = path;
    request.host = host;
    request.accept_encoding = "gzip, deflate, br";
    request.is_admin = true;
    return request;
}

std::string field_of(const transport::HttpAnswer& answer, std::string_view name) {
    const auto field = std::ranges::find(answer.fields, name, &transport::HttpField::name);
    return field == answer.fields.end() ? "" : field->value;
}

/// What the page may connect to.
std::string connections(std::string_view host, const std::vector<std::string>& web_sockets) {
    const std::string policy = dashboard_policy(host, web_sockets);
    const std::size_t begin = policy.find("connect-src ");
    return policy.substr(begin, policy.find(';', begin) - begin);
}

}  // namespace

TEST_CASE("each file is compressed and has a tag, a type and a policy") {
    for (const BundleFile& file : bundle_files()) {
        CAPTURE(file.path);
        const auto answer = find_dashboard_file(request_for(file.path, "127.0.0.1"), {});
        REQUIRE(answer.has_value());
        CHECK(answer->body.starts_with("\x1f\x8b"));  // RFC 1952: the mark of gzip
        CHECK(answer->etag.starts_with('"'));
        CHECK(answer->etag.ends_with('"'));
        CHECK_FALSE(answer->content_type.empty());
        CHECK(field_of(*answer, "Content-Encoding") == "gzip");
        const std::string policy = field_of(*answer, "Content-Security-Policy");
        CHECK(policy.starts_with("default-src 'none'; script-src 'self'; "));
        CHECK(policy.find("unsafe") == std::string::npos);
    }
    CHECK_FALSE(find_dashboard_file(request_for("/app.js.gz", "127.0.0.1"), {}).has_value());
    CHECK_FALSE(find_dashboard_file(request_for("/../etc/passwd", "127.0.0.1"), {}).has_value());
}

TEST_CASE("the policy names the WebSocket listeners as the browser reaches them") {
    CHECK(connections("gateway.lan", {}) == "connect-src 'self'");
    CHECK(connections("gateway.lan", {"ws://0.0.0.0:8080/mqtt"}) == "connect-src 'self' ws://gateway.lan:8080");
    CHECK(connections("gateway.lan", {"wss://[::]:8443"}) == "connect-src 'self' wss://gateway.lan:8443");
    CHECK(connections("gateway.lan", {"ws://10.0.0.7:81/a", "wss://10.0.0.7"}) ==
          "connect-src 'self' ws://10.0.0.7:81 wss://10.0.0.7");
}

TEST_CASE("a host of a request cannot add to the policy") {
    for (const std::string_view host : {"a; script-src *", "a *", "a'", "", "[::1]"}) {
        CAPTURE(host);
        CHECK(dashboard_policy(host, {"ws://0.0.0.0:8080/mqtt"}) == dashboard_policy("gateway.lan", {}));
    }
}

TEST_CASE("a client that takes no gzip, and every client of a build without the dashboard, gets a text") {
    transport::HttpRequest request = request_for("/", "127.0.0.1");
    request.accept_encoding = {};
    const auto answer = find_dashboard_file(request, {});
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->content_type.starts_with("text/plain"));
    CHECK(answer->body.find("ledgemq ctl") != std::string::npos);
    CHECK((answer->body.find("LEDGE_DASHBOARD=OFF") != std::string::npos) == bundle_files().empty());
}

}  // namespace ledge::admin
