#include "ledge/base/percent.hpp"

#include <doctest/doctest.h>

using namespace ledge;

TEST_CASE("reserved bytes are encoded, and every text comes back") {
    CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
    CHECK(percent_encoded("a/b c%\xFF") == "a%2Fb%20c%25%FF");
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    CHECK(percent_decoded(percent_encoded(all)) == all);
    CHECK(percent_decoded("%2f%2F") == "//");
}

TEST_CASE("a broken escape is no text") {
    for (const char* broken : {"%", "%2", "a%", "%zz", "%2g", "%-1", "%+1"}) CHECK(!percent_decoded(broken));
}
