#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

/// Packet id, no properties, then what the test adds.
Raw head(Version version) { return version == v5 ? Raw{0, 7, 0} : Raw{0, 7}; }

ReasonCode judge(const Raw& body, Version version) { return outcome(decode_subscribe(body.packet(0x82), version)); }

ReasonCode judge_options(unsigned options, Version version, std::string_view filter = "a/b") {
    return judge(head(version).text(filter).u8(options), version);
}

}  // namespace

TEST_CASE("SUBSCRIBE comes back as sent, every option of v5") {
    ByteVector entries;
    std::vector<SubscribeOptions> sent;
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        for (const bool no_local : {false, true}) {
            for (const auto handling :
                 {RetainHandling::send, RetainHandling::send_if_new, RetainHandling::do_not_send}) {
                sent.push_back({qos, no_local, !no_local, handling});
                append_entry(entries, {"filter/+/#", sent.back()}, true);
            }
        }
    }
    PropertyBuilder properties;
    properties.number(PropertyId::subscription_identifier, 300);
    const Subscribe packet{0xABCD, SubscribeEntries(entries, true), properties.view()};
    CHECK(packet.entries.count() == sent.size());

    const ByteVector frame = encoded(packet, v5);
    const auto decoded = decode_subscribe(frame, v5);
    REQUIRE(decoded.ok());
    CHECK(decoded->packet_id == 0xABCD);
    CHECK(decoded->properties.number(PropertyId::subscription_identifier) == 300U);
    REQUIRE(decoded->entries.count() == sent.size());
    std::size_t at = 0;
    for (const SubscribeEntry& entry : decoded->entries) {
        CHECK(entry.filter == "filter/+/#");
        CHECK(entry.options == sent[at++]);
    }
    CHECK(at == sent.size());
}

TEST_CASE("SUBSCRIBE before v5 carries filters and QoS only") {
    ByteVector entries;
    append_entry(entries, {"a", {QoS::exactly_once, true, true, RetainHandling::do_not_send}}, true);
    append_entry(entries, {"", {QoS::at_most_once, false, false, RetainHandling::send}}, true);
    const Subscribe packet{7, SubscribeEntries(entries, true), {}};
    for (const Version version : versions_3) {
        const ByteVector frame = encoded(packet, version);
        CHECK(frame == ByteVector{0x82, 9, 0, 7, 0, 1, 'a', 2, 0, 0, 0});
        const auto decoded = decode_subscribe(frame, version);
        REQUIRE(decoded.ok());
        CHECK(decoded->entries.count() == 2);
        CHECK(decoded->entries.begin()->options == SubscribeOptions{QoS::exactly_once});
    }
}

TEST_CASE("an empty list of entries is walked in no steps") {
    const SubscribeEntries none;
    CHECK(none.count() == 0);
    CHECK_FALSE(none.begin() != none.end());
}

TEST_CASE("[MQTT-3.8.3-5] [MQTT-3.8.3-4] every option byte of v5 is judged as the standard says") {
    for (unsigned options = 0; options < 256; ++options) {
        const bool is_reserved = (options & 0xC0U) != 0;
        const bool is_qos_3 = (options & 0x03U) == 0x03;       // 5.0 section 3.8.3.1
        const bool is_handling_3 = (options & 0x30U) == 0x30;  // 5.0 section 3.8.3.1
        const bool is_no_local = (options & 0x04U) != 0;
        const ReasonCode expected = is_reserved ? malformed : is_qos_3 || is_handling_3 ? protocol_error : accepted;
        CHECK(judge_options(options, v5) == expected);
        const ReasonCode for_shared = expected == accepted && is_no_local ? protocol_error : expected;
        CHECK(judge_options(options, v5, "$share/g/a") == for_shared);
    }
}

TEST_CASE("3.1.1 [MQTT-3.8.3-4] every option byte but 0, 1 and 2 is malformed before v5") {
    for (unsigned options = 0; options < 256; ++options) {
        for (const Version version : versions_3) {
            CHECK(judge_options(options, version) == (options <= 2 ? accepted : malformed));
        }
    }
}

TEST_CASE("[MQTT-3.8.3-2] a SUBSCRIBE without a filter is a protocol error") {
    for (const Version version : all_versions) CHECK(judge(head(version), version) == protocol_error);
}

TEST_CASE("[MQTT-3.8.3-1] topic filters are UTF-8; their syntax is judged elsewhere") {
    for (const Version version : all_versions) {
        CHECK(judge(head(version).text("\xFF").u8(0), version) == malformed);
        CHECK(judge(head(version).text(std::string_view("\0", 1)).u8(0), version) == malformed);
        CHECK(judge(head(version).text("ok").u8(0).text("\xC0\x80").u8(0), version) == malformed);
        CHECK(judge(head(version).text("a/#/b").u8(0), version) == accepted);
    }
}

TEST_CASE("[MQTT-2.2.1-3] packet id 0 is malformed in a SUBSCRIBE") {
    CHECK(judge(Raw{0, 0}.text("a").u8(0), v3_1_1) == malformed);
    CHECK(judge(Raw{0, 0, 0}.text("a").u8(0), v5) == malformed);
}

TEST_CASE("[MQTT-3.8.1-1] SUBSCRIBE has flags 0b0010; with DUP only MQTT 3.1 knows it") {
    for (const Version version : all_versions) {
        const Raw body = head(version).text("a").u8(0);
        for (unsigned flags = 0; flags < 16; ++flags) {
            const bool expected = flags == 2 || (flags == 10 && version == v3_1);
            CHECK(decode_subscribe(body.packet(0x80 | flags), version).ok() == expected);
        }
    }
}

TEST_CASE("a filter without its options, or longer than the packet, is malformed") {
    for (const Version version : all_versions) {
        CHECK(judge(head(version).text("a"), version) == malformed);
        CHECK(judge(head(version).text("a").u8(0).u8(0), version) == malformed);
        CHECK(judge(head(version).raw(Raw{0, 9, 'a', 0}), version) == malformed);
    }
}

TEST_CASE("SUBSCRIBE properties: one Subscription Identifier that is not 0, and User Properties") {
    const auto with = [](const Raw& block) { return judge(Raw{0, 7}.properties(block).text("a").u8(0), v5); };
    CHECK(with(Raw().u8(0x0B).u8(1)) == accepted);
    CHECK(with(Raw().u8(0x0B).u8(1).u8(0x0B).u8(2)) == protocol_error);
    CHECK(with(Raw().u8(0x0B).u8(0)) == protocol_error);
    CHECK(with(Raw().u8(0x26).text("a").text("b").u8(0x26).text("a").text("b")) == accepted);
    CHECK(with(Raw().u8(0x1F).text("why")) == malformed);
}

}  // namespace ledge::wire
