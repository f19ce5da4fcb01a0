// That the tests of this program run with the mbedTLS they are meant for.
#include <doctest/doctest.h>

#include <array>
#include <string_view>

#include "tls/mbedtls_version.hpp"

TEST_CASE("headers and library are mbedTLS 3, which has TLS 1.3") {
    std::array<char, 16> version{};
    mbedtls_version_get_string(version.data());
    CHECK(std::string_view(version.data()).starts_with("3."));
    CHECK(ledge::net::mbed::has_tls1_3);
}
