#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

Raw head(Version version) { return version == v5 ? Raw{0, 7, 0} : Raw{0, 7}; }

ReasonCode judge(const Raw& body, Version version) { return outcome(decode_unsubscribe(body.packet(0xA2), version)); }

}  // namespace

TEST_CASE("UNSUBSCRIBE comes back as sent") {
    ByteVector entries;
    append_entry(entries, {"a/+", {}}, false);
    append_entry(entries, {"$share/g/#", {}}, false);
    PropertyBuilder properties;
    properties.user("a", "b");
    for (const Version version : all_versions) {
        const Unsubscribe packet{9, SubscribeEntries(entries, false), version == v5 ? properties.view() : Properties()};
        const ByteVector frame = encoded(packet, version);
        const auto decoded = decode_unsubscribe(frame, version);
        REQUIRE(decoded.ok());
        CHECK(decoded->packet_id == 9);
        CHECK(same_bytes(decoded->properties.raw(), packet.properties.raw()));
        std::string filters;
        for (const SubscribeEntry& entry : decoded->entries) filters += std::string(entry.filter) + ' ';
        CHECK(filters == "a/+ $share/g/# ");
    }
}

TEST_CASE("[MQTT-3.10.3-2] an UNSUBSCRIBE without a filter is a protocol error") {
    for (const Version version : all_versions) CHECK(judge(head(version), version) == protocol_error);
}

TEST_CASE("[MQTT-3.10.3-1] the filters of an UNSUBSCRIBE are UTF-8") {
    for (const Version version : all_versions) CHECK(judge(head(version).text("a\xFF"), version) == malformed);
}

TEST_CASE("[MQTT-3.10.1-1] UNSUBSCRIBE has flags 0b0010; with DUP only MQTT 3.1 knows it") {
    for (const Version version : all_versions) {
        for (unsigned flags = 0; flags < 16; ++flags) {
            const bool expected = flags == 2 || (flags == 10 && version == v3_1);
            CHECK(decode_unsubscribe(head(version).text("a").packet(0xA0 | flags), version).ok() == expected);
        }
    }
}

TEST_CASE("[MQTT-2.2.1-3] packet id 0 is malformed in an UNSUBSCRIBE, and so is a filter that is cut off") {
    for (const Version version : all_versions) {
        CHECK(judge(Raw{0, 0, 0}.text("a"), version) == malformed);
        CHECK(judge(head(version).raw(Raw{0, 5, 'a'}), version) == malformed);
        CHECK(judge(head(version).text("a").u8(0), version) == malformed);
    }
}

TEST_CASE("UNSUBSCRIBE properties: User Property alone") {
    const auto with = [](const Raw& block) { return judge(Raw{0, 7}.properties(block).text("a"), v5); };
    CHECK(with(Raw().u8(0x26).text("a").text("b")) == accepted);
    CHECK(with(Raw().u8(0x0B).u8(1)) == malformed);
}

}  // namespace ledge::wire
