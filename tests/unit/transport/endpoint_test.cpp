#include "ledge/transport/endpoint.hpp"

#include <doctest/doctest.h>

namespace ledge::transport {
namespace {

TEST_CASE("an endpoint is written as its owner would") {
    Endpoint endpoint;
    CHECK(to_text(endpoint) == "127.0.0.1:1883");
    endpoint.host = "::1";
    CHECK(to_text(endpoint) == "[::1]:1883");
    endpoint.host = "";
    endpoint.port = 8883;
    CHECK(to_text(endpoint) == "*:8883");
    endpoint.kind = Endpoint::Kind::unix_socket;
    endpoint.path = "/run/ledgemq.sock";
    CHECK(to_text(endpoint) == "unix:/run/ledgemq.sock");
}

}  // namespace
}  // namespace ledge::transport
