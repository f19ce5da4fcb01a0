#include <doctest/doctest.h>

#include "api_site.hpp"

namespace ledge::admin::test {
namespace {

TEST_CASE("POST /upgrade begins an upgrade, or says why not") {
    ApiSite site;
    const auto ask = [&] { return site.ask(ApiSite::with_method(transport::HttpMethod::post, "/api/v1/upgrade")); };
    CHECK(ask().status == 409);  // the program has no upgrade
    int requests = 0;
    Parts parts;
    parts.upgrade = [&]() -> Result<bool, Error> {
        if (++requests > 1) return Failure{Error{{}, "an upgrade is under way"}};
        return true;
    };
    site.pages.attach(*site.loop, parts);
    const transport::HttpAnswer first = ask();
    CHECK(first.status == 202);
    CHECK(first.body.find("\"outcome\":\"started\"") != std::string::npos);
    const transport::HttpAnswer second = ask();
    CHECK(second.status == 409);
    CHECK(second.body.find("an upgrade is under way") != std::string::npos);
    CHECK(requests == 2);
    CHECK(site.get("/api/v1/upgrade").status == 405);
}

}  // namespace
}  // namespace ledge::admin::test
