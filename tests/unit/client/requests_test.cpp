#include "rig.hpp"

namespace ledge::client {
namespace {

wire::Suback answer(PacketType type, PacketId id, const std::vector<Byte>& codes) { return {type, id, codes, {}}; }

TEST_CASE("SUBSCRIBE and UNSUBSCRIBE are answered by their packet ids") {
    Rig rig;
    CHECK(rig.client.subscribe({{"a", {}}}).error() == ReasonCode::server_unavailable);
    rig.connects();
    CHECK(*rig.client.subscribe({{"a/+", {qos1}}, {"b", {qos2}}}) == 65'535);
    CHECK(*rig.client.unsubscribe({"c"}) == 65'534);
    CHECK(rig.sent() == "SUBSCRIBE 65535 a/+ b | UNSUBSCRIBE 65534 c");
    CHECK(rig.gets(answer(PacketType::unsuback, 65'534, {17})) == "UNSUBACK 65534 17");
    CHECK(rig.gets(answer(PacketType::suback, 65'535, {1, 135})) == "SUBACK 65535 1 135");
    CHECK(*rig.client.subscribe({{"a", {}}}) == 65'535);
}

TEST_CASE("3.1.1: UNSUBACK has no codes") {
    Rig rig(lasting(v311));
    rig.connects();
    CHECK(*rig.client.unsubscribe({"c"}) == 65'535);
    CHECK(rig.gets_bytes({0xB0, 0x02, 0xFF, 0xFF}) == "UNSUBACK 65535");
    CHECK(rig.client.subscribe({{"a", {qos1, true}}}).error() == ReasonCode::protocol_error);  // no No Local there
}

TEST_CASE("what the server does not offer is refused") {
    PropertyBuilder properties;
    properties.number(PropertyId::wildcard_subscription_available, 0)
        .number(PropertyId::subscription_identifier_available, 0)
        .number(PropertyId::shared_subscription_available, 0)
        .number(PropertyId::maximum_packet_size, 20);
    Rig rig;
    rig.connects(true, false, properties);
    CHECK(rig.client.subscribe({{"a/#", {}}}).error() == ReasonCode::wildcard_subscriptions_not_supported);
    CHECK(rig.client.subscribe({{"$share/g/a", {}}}).error() == ReasonCode::shared_subscriptions_not_supported);
    PropertyBuilder id;
    id.number(PropertyId::subscription_identifier, 5);
    CHECK(rig.client.subscribe({{"a", {}}}, id.view()).error() == ReasonCode::subscription_identifiers_not_supported);
    CHECK(rig.client.subscribe({{"a23456789012345", {}}}).error() == ReasonCode::packet_too_large);
    CHECK(rig.client.unsubscribe({"a23456789012345"}).error() == ReasonCode::packet_too_large);
    CHECK(rig.sent() == "");
    CHECK(*rig.client.subscribe({{"a", {}}}) == 65'535);
}

TEST_CASE("filters that the standard does not allow are refused") {
    Rig rig;
    rig.connects();
    CHECK(rig.client.subscribe({{"", {}}}).error() == ReasonCode::topic_filter_invalid);
    CHECK(rig.client.subscribe({{"\xff", {}}}).error() == ReasonCode::topic_filter_invalid);
    CHECK(rig.client.unsubscribe({""}).error() == ReasonCode::topic_filter_invalid);
    CHECK(rig.client.subscribe({{"$share/g/a", {qos1, true}}}).error() == ReasonCode::protocol_error);
}

TEST_CASE("requests without an answer are limited") {
    Options options = lasting();
    options.limits.requests_max = 2;
    Rig rig(options);
    rig.connects();
    CHECK(rig.client.subscribe({{"a", {}}}).ok());
    CHECK(rig.client.unsubscribe({"a"}).ok());
    CHECK(rig.client.subscribe({{"a", {}}}).error() == ReasonCode::quota_exceeded);
    CHECK(rig.client.unsubscribe({"a"}).error() == ReasonCode::quota_exceeded);
}

}  // namespace
}  // namespace ledge::client
