// Damages valid packets in every simple way: cut at every byte, every byte changed to every value, every length a lie.
// Each time decode either refuses, or understands a packet that encodes and decodes to itself. The bytes lie in memory
// of their exact size, so that the address sanitizer sees any look behind the end.
#include <algorithm>
#include <functional>
#include <optional>

#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

template <class Packet>
std::optional<ByteVector> again(const Decoded<Packet>& decoded, Version version) {
    if (!decoded.ok()) return std::nullopt;
    return encoded(*decoded, version);
}

std::optional<ByteVector> again(const Decoded<Connect>& decoded, Version) {
    if (!decoded.ok()) return std::nullopt;
    return encoded(*decoded);
}

/// Walks what views the packet holds, so that wrong ones are noticed.
void walk(const Properties& properties) {
    for (const Property& property : properties) CHECK(properties.has(property.id));
}

template <class Subscription>
std::optional<ByteVector> again_list(const Decoded<Subscription>& decoded, Version version) {
    if (!decoded.ok()) return std::nullopt;
    CHECK(decoded->entries.count() >= 1);
    walk(decoded->properties);
    return encoded(*decoded, version);
}

/// decode, then encode; nullopt when decode refuses. Any first byte, any length.
std::optional<ByteVector> recode(Bytes frame, Version version) {
    if (frame.empty()) return std::nullopt;
    switch (type_of(frame)) {
        case PacketType::connect: return again(decode_connect(frame), version);
        case PacketType::connack: return again(decode_connack(frame, version), version);
        case PacketType::publish: return again(decode_publish(frame, version), version);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return again(decode_ack(frame, version), version);
        case PacketType::subscribe: return again_list(decode_subscribe(frame, version), version);
        case PacketType::suback: return again(decode_suback(frame, version), version);
        case PacketType::unsubscribe: return again_list(decode_unsubscribe(frame, version), version);
        case PacketType::unsuback: return again(decode_unsuback(frame, version), version);
        case PacketType::disconnect: return again(decode_disconnect(frame, version), version);
        case PacketType::auth: return again(decode_auth(frame, version), version);
        case PacketType::pingreq:
            if (!decode_pingreq(frame).ok()) return std::nullopt;
            return ByteVector{0xC0, 0};
        case PacketType::pingresp:
            if (!decode_pingresp(frame).ok()) return std::nullopt;
            return ByteVector{0xD0, 0};
    }
    return std::nullopt;
}

struct Sample {
    const char* name;
    Version version;
    unsigned first;
    ByteVector body;
    /// Body sizes below the whole at which the packet is a shorter valid one.
    std::function<bool(std::size_t)> is_valid_when_cut_to = [](std::size_t) { return false; };
};

const auto from = [](std::size_t least) { return [least](std::size_t size) { return size >= least; }; };
const auto at = [](std::vector<std::size_t> sizes) {
    return [sizes](std::size_t size) { return std::find(sizes.begin(), sizes.end(), size) != sizes.end(); };
};

void add_packets_of_3(std::vector<Sample>& out, Version version) {
    const bool is_old = version == v3_1;
    const Raw connect = Raw()
                            .text(is_old ? "MQIsdp" : "MQTT")
                            .u8(is_old ? 3 : 4)
                            .u8(0xEE)
                            .u16(60)
                            .text("id")
                            .text("w/t")
                            .text("bye")
                            .text("user")
                            .text("pass");
    // MQTT 3.1: user name and password may be missing though announced.
    const std::size_t will_end = connect.bytes().size() - 12;
    out.push_back({"connect", version, 0x10, connect.bytes(), is_old ? at({will_end, will_end + 6}) : at({})});
    out.push_back({"connack", version, 0x20, {0, 0}});
    out.push_back({"publish 0", version, 0x31, Raw().text("a/b").text("hello").bytes(), from(5)});
    out.push_back({"publish 2", version, 0x3C, Raw().text("a/b").u16(9).text("hello").bytes(), from(7)});
    for (const unsigned first : {0x40U, 0x50U, 0x62U, 0x70U, 0xB0U}) out.push_back({"ack", version, first, {0, 9}});
    out.push_back({"subscribe", version, 0x82, Raw().u16(9).text("a/+").u8(1).text("ü").u8(2).bytes(), at({8})});
    out.push_back({"suback", version, 0x90, {0, 9, 0, 1, 2, 0x80}, from(3)});
    out.push_back({"unsubscribe", version, 0xA2, Raw().u16(9).text("a/+").text("#").bytes(), at({7})});
    out.push_back({"pingreq", version, 0xC0, {}});
    out.push_back({"pingresp", version, 0xD0, {}});
    out.push_back({"disconnect", version, 0xE0, {}});
}

using Id = PropertyId;

Raw block(const PropertyBuilder& properties) { return Raw().raw(properties.view().raw()); }

/// Everything that may stand in PUBLISH and in a will.
PropertyBuilder message() {
    PropertyBuilder all;
    all.number(Id::payload_format_indicator, 1).number(Id::message_expiry_interval, 60).text(Id::content_type, "c");
    return all.text(Id::response_topic, "r").text(Id::correlation_data, "d").user("n", "v");
}

PropertyBuilder reason() { return PropertyBuilder().text(Id::reason_string, "why").user("n", "v"); }

void add_connects_of_5(std::vector<Sample>& out) {
    PropertyBuilder hello;
    hello.number(Id::session_expiry_interval, 9).text(Id::authentication_method, "m");
    hello.text(Id::authentication_data, "d").number(Id::request_problem_information, 1);
    hello.number(Id::request_response_information, 0).number(Id::receive_maximum, 5).user("n", "v");
    hello.number(Id::topic_alias_maximum, 6).number(Id::maximum_packet_size, 7000);
    Raw connect = Raw().text("MQTT").u8(5).u8(0xEE).u16(60).properties(block(hello)).text("id");
    connect.properties(block(message().number(Id::will_delay_interval, 3))).text("w/t").text("bye");
    out.push_back({"connect", v5, 0x10, connect.text("user").text("pass").bytes()});

    PropertyBuilder welcome = reason();
    welcome.text(Id::assigned_client_identifier, "id").number(Id::server_keep_alive, 9).number(Id::maximum_qos, 1);
    welcome.number(Id::retain_available, 1).number(Id::wildcard_subscription_available, 1);
    welcome.number(Id::subscription_identifier_available, 1).number(Id::shared_subscription_available, 1);
    welcome.text(Id::response_information, "r").text(Id::server_reference, "s");
    out.push_back({"connack", v5, 0x20, Raw{0, 0}.properties(block(welcome)).bytes()});
}

void add_messages_of_5(std::vector<Sample>& out) {
    PropertyBuilder properties = message();
    properties.number(Id::subscription_identifier, 1).number(Id::topic_alias, 4);
    const Raw publish = Raw().text("a/b").u16(9).properties(block(properties));
    out.push_back({"publish", v5, 0x3A, Raw(publish).text("hello").bytes(), from(publish.bytes().size())});
    for (const unsigned first : {0x40U, 0x50U, 0x62U, 0x70U}) {
        out.push_back({"ack", v5, first, Raw{0, 9, 0}.properties(block(reason())).bytes(), at({2, 3})});
    }
}

void add_subscriptions_of_5(std::vector<Sample>& out) {
    const Raw identified = block(PropertyBuilder().number(Id::subscription_identifier, 128).user("n", "v"));
    const Raw one = Raw().u16(9).properties(identified).text("a/+").u8(0x2D);
    out.push_back({"subscribe", v5, 0x82, Raw(one).text("$share/g/x").u8(2).bytes(), at({one.bytes().size()})});
    const Raw answer = Raw().u16(9).properties(block(reason()));
    out.push_back({"suback", v5, 0x90, Raw(answer).raw(Raw{0, 1, 0x87}).bytes(), from(answer.bytes().size() + 1)});
    out.push_back({"unsuback", v5, 0xB0, Raw(answer).raw(Raw{0, 0x11}).bytes(), from(answer.bytes().size() + 1)});
    const Raw unsubscribe = Raw().u16(9).properties(block(PropertyBuilder().user("n", "v"))).text("a/+");
    out.push_back({"unsubscribe", v5, 0xA2, Raw(unsubscribe).text("#").bytes(), at({unsubscribe.bytes().size()})});
}

void add_others_of_5(std::vector<Sample>& out) {
    out.push_back({"pingreq", v5, 0xC0, {}});
    const Raw goodbye = block(reason().number(Id::session_expiry_interval, 5));
    out.push_back({"disconnect", v5, 0xE0, Raw{4}.properties(goodbye).bytes(), at({0, 1})});
    const Raw step = block(reason().text(Id::authentication_method, "m").text(Id::authentication_data, "d"));
    out.push_back({"auth", v5, 0xF0, Raw{0x18}.properties(step).bytes(), at({0})});
}

const std::vector<Sample>& samples() {
    static const std::vector<Sample> all = [] {
        std::vector<Sample> made;
        add_packets_of_3(made, v3_1);
        add_packets_of_3(made, v3_1_1);
        add_connects_of_5(made);
        add_messages_of_5(made);
        add_subscriptions_of_5(made);
        add_others_of_5(made);
        return made;
    }();
    return all;
}

/// Refused, or understood as a packet that is its own inverse.
void check_refused_or_stable(Bytes damaged, Version version) {
    const ByteVector exact(damaged.begin(), damaged.end());
    const std::optional<ByteVector> first = recode(exact, version);
    if (!first) return;
    if (first->size() > exact.size()) FAIL_CHECK("grew by being encoded again");
    const std::optional<ByteVector> second = recode(*first, version);
    if (!second || *second != *first) FAIL_CHECK("does not encode to itself");
}

}  // namespace

TEST_CASE("encode is the inverse of decode for a full packet of every type and version") {
    for (const Sample& sample : samples()) {
        const ByteVector frame = Raw().raw(sample.body).packet(sample.first);
        const std::optional<ByteVector> result = recode(frame, sample.version);
        REQUIRE_MESSAGE(result.has_value(), sample.name);
        CHECK_MESSAGE(*result == frame, sample.name);
    }
}

TEST_CASE("a packet that ends before its announced length is never decoded") {
    for (const Sample& sample : samples()) {
        const ByteVector frame = Raw().raw(sample.body).packet(sample.first);
        for (std::size_t size = 0; size < frame.size(); ++size) {
            const ByteVector cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK_FALSE_MESSAGE(recode(cut, sample.version).has_value(), sample.name);
        }
    }
}

TEST_CASE("a packet cut at any byte, its length made to fit, is malformed unless it is a valid shorter one") {
    for (const Sample& sample : samples()) {
        for (std::size_t size = 0; size < sample.body.size(); ++size) {
            const ByteVector frame = Raw().raw(Bytes(sample.body).first(size)).packet(sample.first);
            const bool expected = sample.is_valid_when_cut_to(size);
            CHECK_MESSAGE(recode(frame, sample.version).has_value() == expected, sample.name, " cut to ", size);
            check_refused_or_stable(frame, sample.version);
        }
    }
}

TEST_CASE("a remaining length that lies, by any amount, is refused") {
    for (const Sample& sample : samples()) {
        const ByteVector frame = Raw().raw(sample.body).packet(sample.first);
        for (std::size_t size = 0; size < 127; ++size) {
            if (frame[1] >= 0x80 || size == sample.body.size()) continue;
            ByteVector lie = frame;
            lie[1] = static_cast<Byte>(size);
            CHECK_FALSE_MESSAGE(recode(lie, sample.version).has_value(), sample.name);
        }
    }
}

TEST_CASE("a byte behind any packet but PUBLISH and the lists of codes is refused") {
    for (const Sample& sample : samples()) {
        const unsigned type = sample.first >> 4U;
        if (type == 3 || type == 9 || (type == 11 && sample.version == v5)) continue;
        for (const unsigned extra : {0x00U, 0x01U, 0xFFU}) {
            const ByteVector frame = Raw().raw(sample.body).u8(extra).packet(sample.first);
            CHECK_FALSE_MESSAGE(recode(frame, sample.version).has_value(), sample.name);
        }
    }
}

TEST_CASE("every byte of every packet, changed to every value, is refused or stable, in every version") {
    for (const Sample& sample : samples()) {
        const ByteVector frame = Raw().raw(sample.body).packet(sample.first);
        for (std::size_t place = 0; place < frame.size(); ++place) {
            for (unsigned value = 0; value < 256; ++value) {
                ByteVector damaged = frame;
                damaged[place] = static_cast<Byte>(value);
                check_refused_or_stable(damaged, sample.version);
            }
        }
        for (const Version version : all_versions) check_refused_or_stable(frame, version);
    }
}

}  // namespace ledge::wire
