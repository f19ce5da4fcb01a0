#include "ledge/wire/types.hpp"

#include <set>

#include "packet_bytes.hpp"

namespace ledge::wire {

TEST_CASE("every packet type has its own name, other values have none") {
    std::set<std::string_view> names;
    for (unsigned type = 1; type <= 15; ++type) names.insert(name_of(static_cast<PacketType>(type)));
    CHECK(names.size() == 15);
    CHECK(names.count("unknown_packet_type") == 0);
    CHECK(name_of(static_cast<PacketType>(0)) == "unknown_packet_type");
}

TEST_CASE("5.0 section 2.4: 43 reason codes have names, no other byte has one") {
    std::set<std::string_view> names;
    for (unsigned code = 0; code < 256; ++code) names.insert(name_of(static_cast<ReasonCode>(code)));
    CHECK(names.size() == 43 + 1);
    CHECK(name_of(ReasonCode::packet_too_large) == "packet_too_large");
    CHECK(name_of(static_cast<ReasonCode>(0xA3)) == "unknown_reason_code");
}

TEST_CASE("reason codes from 0x80 on are errors") {
    CHECK_FALSE(is_error(ReasonCode::reauthenticate));
    CHECK(is_error(ReasonCode::unspecified_error));
}

}  // namespace ledge::wire
