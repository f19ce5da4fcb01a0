#include "ledge/wire/properties.hpp"

#include "packet_bytes.hpp"
#include "property_block.hpp"

namespace ledge::wire {
namespace {

using Id = PropertyId;
using enum PacketType;

/// A property with the smallest value its rule allows.
Raw smallest_of(unsigned id) {
    const PropertyRule& rule = *rule_of(static_cast<std::uint8_t>(id));
    Raw raw;
    raw.u8(id);
    switch (rule.type) {
        case PropertyType::byte: return raw.u8(rule.smallest);
        case PropertyType::u16: return raw.u16(rule.smallest);
        case PropertyType::u32: return raw.u32(rule.smallest);
        case PropertyType::variable: return raw.u8(rule.smallest);
        case PropertyType::binary:
        case PropertyType::text: return raw.text("x");
        case PropertyType::text_pair: return raw.text("n").text("v");
    }
    return raw;
}

/// What reading `block` as the properties of `place` answers; the bytes lie in memory of their exact size.
ReasonCode judge(const Raw& block, unsigned place) {
    const ByteVector bytes = Raw().properties(block).bytes();
    Reader in(bytes);
    read_properties(in, place);
    in.require_end();
    return in.error();
}
ReasonCode judge(const Raw& block, PacketType type) { return judge(block, static_cast<unsigned>(type)); }

struct Row {
    unsigned id;
    PropertyType type;
    std::vector<PacketType> packets;
    bool in_will_too = false;
};

/// 5.0 table 2-4, typed a second time.
const std::vector<Row>& table() {
    using enum PropertyType;
    static const std::vector<PacketType> all = {connect,   connack, publish,     puback,   pubrec,     pubrel, pubcomp,
                                                subscribe, suback,  unsubscribe, unsuback, disconnect, auth};
    static const std::vector<Row> rows = {
        {0x01, byte, {publish}, true},
        {0x02, u32, {publish}, true},
        {0x03, PropertyType::text, {publish}, true},
        {0x08, PropertyType::text, {publish}, true},
        {0x09, binary, {publish}, true},
        {0x0B, variable, {publish, subscribe}},
        {0x11, u32, {connect, connack, disconnect}},
        {0x12, PropertyType::text, {connack}},
        {0x13, u16, {connack}},
        {0x15, PropertyType::text, {connect, connack, auth}},
        {0x16, binary, {connect, connack, auth}},
        {0x17, byte, {connect}},
        {0x18, u32, {}, true},
        {0x19, byte, {connect}},
        {0x1A, PropertyType::text, {connack}},
        {0x1C, PropertyType::text, {connack, disconnect}},
        {0x1F, PropertyType::text, {connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, disconnect, auth}},
        {0x21, u16, {connect, connack}},
        {0x22, u16, {connect, connack}},
        {0x23, u16, {publish}},
        {0x24, byte, {connack}},
        {0x25, byte, {connack}},
        {0x26, text_pair, all, true},
        {0x27, u32, {connect, connack}},
        {0x28, byte, {connack}},
        {0x29, byte, {connack}},
        {0x2A, byte, {connack}},
    };
    return rows;
}

const Row* row_of(unsigned id) {
    for (const Row& row : table()) {
        if (row.id == id) return &row;
    }
    return nullptr;
}

}  // namespace

TEST_CASE("5.0 table 2-4: exactly the 27 identifiers of the standard are known, with their types") {
    for (unsigned id = 0; id < 256; ++id) {
        const PropertyRule* rule = rule_of(static_cast<std::uint8_t>(id));
        const Row* row = row_of(id);
        REQUIRE((rule != nullptr) == (row != nullptr));
        if (rule != nullptr) CHECK(rule->type == row->type);
    }
}

TEST_CASE("5.0 section 2.2.2.2: an identifier that is unknown or not valid for the packet is malformed") {
    for (unsigned id = 0; id < 256; ++id) {
        const Row* row = row_of(id);
        for (unsigned place = 0; place < 16; ++place) {
            bool allowed = row != nullptr && place == in_will && row->in_will_too;
            for (const PacketType type : row != nullptr ? row->packets : std::vector<PacketType>()) {
                allowed = allowed || static_cast<unsigned>(type) == place;
            }
            const bool needs_method = id == 0x16;
            Raw block = row != nullptr ? smallest_of(id) : Raw().u8(id).text("x");
            if (needs_method && allowed) block.u8(0x15).text("m");
            if ((judge(block, place) == accepted) != allowed) FAIL_CHECK(id, " in ", place);
            if (!allowed && judge(block, place) != malformed) FAIL_CHECK(id, " in ", place);
        }
    }
}

TEST_CASE("5.0 section 2.2.2.2: a property is a protocol error when it stands twice, but for the repeatable ones") {
    for (const Row& row : table()) {
        for (unsigned place = 0; place < 16; ++place) {
            if ((rule_of(static_cast<std::uint8_t>(row.id))->allowed_in >> place & 1U) == 0) continue;
            Raw block;
            if (row.id == 0x16) block.u8(0x15).text("m");
            block.raw(smallest_of(row.id)).raw(smallest_of(row.id));
            const bool may_repeat = row.id == 0x26 || (row.id == 0x0B && place == 3);
            CHECK_MESSAGE(judge(block, place) == (may_repeat ? accepted : protocol_error), row.id, " in ", place);
        }
    }
}

TEST_CASE("byte properties are 0 or 1, anything else is a protocol error") {
    for (const Row& row : table()) {
        if (row.type != PropertyType::byte) continue;
        for (unsigned value = 0; value < 256; ++value) {
            const ReasonCode expected = value <= 1 ? accepted : protocol_error;
            CHECK(judge(Raw().u8(row.id).u8(value), row.packets.front()) == expected);
        }
    }
}

TEST_CASE("5.0 section 3.1.2.11.3: Receive Maximum 0 is a protocol error") {
    CHECK(judge(Raw().u8(0x21).u16(0), connect) == protocol_error);
    CHECK(judge(Raw().u8(0x21).u16(0), connack) == protocol_error);
    CHECK(judge(Raw().u8(0x21).u16(1), connect) == accepted);
}

TEST_CASE("5.0 section 3.1.2.11.4: Maximum Packet Size 0 is a protocol error") {
    CHECK(judge(Raw().u8(0x27).u32(0), connect) == protocol_error);
    CHECK(judge(Raw().u8(0x27).u32(0), connack) == protocol_error);
    CHECK(judge(Raw().u8(0x27).u32(1), connect) == accepted);
}

TEST_CASE("[MQTT-3.3.2-8] Topic Alias 0 is answered with topic alias invalid") {
    CHECK(judge(Raw().u8(0x23).u16(0), publish) == ReasonCode::topic_alias_invalid);
    CHECK(judge(Raw().u8(0x23).u16(65'535), publish) == accepted);
}

TEST_CASE("5.0 sections 3.3.2.3.8 and 3.8.2.1.2: Subscription Identifier is 1 to 268,435,455") {
    for (const PacketType type : {publish, subscribe}) {
        CHECK(judge(Raw().u8(0x0B).u8(0), type) == protocol_error);
        CHECK(judge(Raw().u8(0x0B).u8(1), type) == accepted);
        CHECK(judge(Raw().u8(0x0B).raw(Raw{0xFF, 0xFF, 0xFF, 0x7F}), type) == accepted);
        CHECK(judge(Raw().u8(0x0B).raw(Raw{0xFF, 0xFF, 0xFF, 0xFF, 0x01}), type) == malformed);
        CHECK(judge(Raw().u8(0x0B).raw(Raw{0x81, 0x00}), type) == malformed);
    }
}

TEST_CASE("[MQTT-3.3.2-14] a Response Topic with wildcards, or empty [MQTT-4.7.3-1], is a protocol error") {
    for (const unsigned place : {3U, in_will}) {
        CHECK(judge(Raw().u8(0x08).text("a/+"), place) == protocol_error);
        CHECK(judge(Raw().u8(0x08).text("#"), place) == protocol_error);
        CHECK(judge(Raw().u8(0x08).text(""), place) == protocol_error);
        CHECK(judge(Raw().u8(0x08).text("a/b"), place) == accepted);
    }
}

TEST_CASE("[MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-1.5.7-1] every text of a property is UTF-8 without U+0000") {
    const std::string_view wrong[] = {"\xFF", std::string_view("a\0b", 3), "\xED\xA0\x80"};
    for (const Row& row : table()) {
        const PacketType type = row.packets.empty() ? publish : row.packets.front();
        for (const std::string_view text : wrong) {
            if (row.type == PropertyType::text) CHECK(judge(Raw().u8(row.id).text(text), type) == malformed);
            if (row.type != PropertyType::text_pair) continue;
            CHECK(judge(Raw().u8(row.id).text(text).text("v"), type) == malformed);
            CHECK(judge(Raw().u8(row.id).text("n").text(text), type) == malformed);
        }
    }
    CHECK(judge(Raw().u8(0x09).text("\xFF"), publish) == accepted);  // binary data is any bytes
}

TEST_CASE("5.0 section 3.1.2.11.10: authentication data without a method is a protocol error") {
    for (const PacketType type : {connect, connack, auth}) {
        CHECK(judge(Raw().u8(0x16).text("d"), type) == protocol_error);
        CHECK(judge(Raw().u8(0x16).text("d").u8(0x15).text("m"), type) == accepted);
        CHECK(judge(Raw().u8(0x15).text("m"), type) == accepted);
    }
}

TEST_CASE("every truncation of every property is malformed, also when the block length is made to fit") {
    for (const Row& row : table()) {
        const ByteVector whole = smallest_of(row.id).bytes();
        const PacketType type = row.packets.empty() ? publish : row.packets.front();
        const unsigned place = row.packets.empty() ? in_will : static_cast<unsigned>(type);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            const Raw cut = Raw().raw(Bytes(whole).first(size));
            CHECK(judge(cut, place) == malformed);
            const ByteVector announced = Raw().u8(static_cast<unsigned>(whole.size())).raw(cut).bytes();
            Reader in(announced);
            read_properties(in, place);
            CHECK(in.error() == malformed);
        }
    }
}

TEST_CASE("a property may not reach over the end of its block into the packet") {
    const ByteVector bytes = Raw().u8(4).u8(0x03).text("xyz").raw(Raw{1, 2, 3}).bytes();
    Reader in(bytes);
    read_properties(in, publish);
    CHECK(in.error() == malformed);
}

TEST_CASE("a decoded block is read back by id and in order") {
    const Raw block = Raw()
                          .u8(0x26)
                          .text("a")
                          .text("1")
                          .u8(0x01)
                          .u8(1)
                          .u8(0x0B)
                          .u8(5)
                          .u8(0x0B)
                          .u8(6)
                          .u8(0x26)
                          .text("a")
                          .text("2")
                          .u8(0x03)
                          .text("text/plain")
                          .u8(0x02)
                          .u32(77);
    const ByteVector bytes = Raw().properties(block).bytes();
    Reader in(bytes);
    const Properties properties = read_properties(in, publish);
    REQUIRE(in.ok());
    CHECK(properties.number(Id::payload_format_indicator) == 1U);
    CHECK(properties.number(Id::message_expiry_interval) == 77U);
    CHECK(properties.number(Id::subscription_identifier) == 5U);
    CHECK(properties.text(Id::content_type) == "text/plain");
    CHECK(properties.text(Id::user_property) == "1");
    CHECK_FALSE(properties.has(Id::topic_alias));
    CHECK_FALSE(properties.number(Id::topic_alias).has_value());
    CHECK_FALSE(properties.text(Id::correlation_data).has_value());

    std::string order;
    ByteVector joined;
    for (auto property = properties.begin(); property != properties.end(); ++property) {
        order += std::to_string(static_cast<unsigned>(property->id)) + ' ';
        joined.insert(joined.end(), property.raw().begin(), property.raw().end());
    }
    CHECK(order == "38 1 11 11 38 3 2 ");
    CHECK(same_bytes(joined, properties.raw()));
}

TEST_CASE("no properties: nothing to walk, nothing found") {
    const Properties none;
    CHECK(none.empty());
    CHECK_FALSE(none.begin() != none.end());
    CHECK_FALSE(none.number(Id::topic_alias).has_value());
}

TEST_CASE("the builder writes what the decoder reads, for every id") {
    for (const Row& row : table()) {
        const auto id = static_cast<Id>(row.id);
        const PropertyRule& rule = *rule_of(static_cast<std::uint8_t>(row.id));
        PropertyBuilder builder;
        if (row.type <= PropertyType::variable)
            builder.number(id, rule.smallest);
        else if (row.type == PropertyType::text_pair)
            builder.user("n", "v");
        else
            builder.text(id, "x");
        CHECK(same_bytes(builder.view().raw(), smallest_of(row.id).bytes()));
        CHECK(builder.view().has(id));
        CHECK(builder.size() == builder.view().raw().size());
    }
}

TEST_CASE("the builder appends ready bytes and starts afresh after clear") {
    PropertyBuilder first;
    first.number(Id::topic_alias, 300).user("name", "value");
    PropertyBuilder second;
    second.number(Id::message_expiry_interval, 9).raw(first.view().raw(), first.view().seen());
    CHECK(second.view().number(Id::topic_alias) == 300U);
    CHECK(second.view().number(Id::message_expiry_interval) == 9U);
    CHECK(second.view().text(Id::user_property) == "value");
    second.clear();
    CHECK(second.view().empty());
    CHECK_FALSE(second.view().has(Id::topic_alias));
}

}  // namespace ledge::wire
