// The table of properties, the validation of property blocks, and the builder of blocks to send.
#include "ledge/wire/properties.hpp"

#include <array>
#include <initializer_list>

#include "ledge/base/assert.hpp"
#include "ledge/wire/parse_properties.hpp"
#include "property_block.hpp"
#include "text.hpp"

namespace ledge::wire {

namespace {

/// The set of these packet types, in the form of PropertyRule::allowed_in.
constexpr std::uint32_t places(std::initializer_list<PacketType> types) {
    std::uint32_t bits = 0;
    for (const PacketType type : types) bits |= 1U << static_cast<unsigned>(type);
    return bits;
}

// shared_subscription_available has the highest identifier of 5.0. The table is indexed by identifier, so that a
// look-up needs no search; unused identifiers have empty rows.
constexpr std::size_t table_size = static_cast<std::size_t>(PropertyId::shared_subscription_available) + 1;

/// 5.0 table 2-4, with the value ranges of sections 3.1.2.11 to 3.15.2.2.
constexpr std::array<PropertyRule, table_size> make_table() {
    using Id = PropertyId;
    using Type = PropertyType;
    using enum PacketType;
    // The will properties have rules of their own, although they are a part of CONNECT (5.0 section 3.1.3.2).
    constexpr std::uint32_t will = 1U << in_will;
    constexpr std::uint32_t any = places({connect, connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback,
                                          unsubscribe, unsuback, disconnect, auth});
    // A will becomes a PUBLISH, so most properties of a message are allowed in both.
    constexpr std::uint32_t message = places({publish}) | will;
    constexpr std::uint32_t answers =
        places({connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, disconnect, auth});
    constexpr std::uint32_t expiry = places({connect, connack, disconnect});
    // Every value that the type can hold is allowed.
    constexpr std::uint32_t no_limit = 0xFFFF'FFFF;

    std::array<PropertyRule, table_size> table{};
    const auto at = [&](Id id) -> PropertyRule& { return table[static_cast<std::size_t>(id)]; };
    // clang-format off
    //                                           type             repeat allowed in               smallest, largest
    at(Id::payload_format_indicator)          = {Type::byte,      false, message,                          0, 1};
    at(Id::message_expiry_interval)           = {Type::u32,       false, message,                          0, no_limit};
    at(Id::content_type)                      = {Type::text,      false, message,                          0, no_limit};
    at(Id::response_topic)                    = {Type::text,      false, message,                          0, no_limit};
    at(Id::correlation_data)                  = {Type::binary,    false, message,                          0, no_limit};
    at(Id::subscription_identifier)           = {Type::variable,  true,  places({publish, subscribe}),     1, no_limit};
    at(Id::session_expiry_interval)           = {Type::u32,       false, expiry,                           0, no_limit};
    at(Id::assigned_client_identifier)        = {Type::text,      false, places({connack}),                0, no_limit};
    at(Id::server_keep_alive)                 = {Type::u16,       false, places({connack}),                0, no_limit};
    at(Id::authentication_method)             = {Type::text,      false, places({connect, connack, auth}), 0, no_limit};
    at(Id::authentication_data)               = {Type::binary,    false, places({connect, connack, auth}), 0, no_limit};
    at(Id::request_problem_information)       = {Type::byte,      false, places({connect}),                0, 1};
    at(Id::will_delay_interval)               = {Type::u32,       false, will,                             0, no_limit};
    at(Id::request_response_information)      = {Type::byte,      false, places({connect}),                0, 1};
    at(Id::response_information)              = {Type::text,      false, places({connack}),                0, no_limit};
    at(Id::server_reference)                  = {Type::text,      false, places({connack, disconnect}),    0, no_limit};
    at(Id::reason_string)                     = {Type::text,      false, answers,                          0, no_limit};
    at(Id::receive_maximum)                   = {Type::u16,       false, places({connect, connack}),       1, no_limit};
    at(Id::topic_alias_maximum)               = {Type::u16,       false, places({connect, connack}),       0, no_limit};
    at(Id::topic_alias)                       = {Type::u16,       false, places({publish}),                1, no_limit};
    at(Id::maximum_qos)                       = {Type::byte,      false, places({connack}),                0, 1};
    at(Id::retain_available)                  = {Type::byte,      false, places({connack}),                0, 1};
    at(Id::user_property)                     = {Type::text_pair, true,  any | will,                       0, no_limit};
    at(Id::maximum_packet_size)               = {Type::u32,       false, places({connect, connack}),       1, no_limit};
    at(Id::wildcard_subscription_available)   = {Type::byte,      false, places({connack}),                0, 1};
    at(Id::subscription_identifier_available) = {Type::byte,      false, places({connack}),                0, 1};
    at(Id::shared_subscription_available)     = {Type::byte,      false, places({connack}),                0, 1};
    // clang-format on
    return table;
}

constexpr std::array<PropertyRule, table_size> table = make_table();

/// The types of numbers stand first in the enumeration.
constexpr bool is_number(PropertyType type) { return type <= PropertyType::variable; }

constexpr std::uint64_t bit_of(PropertyId id) { return std::uint64_t{1} << static_cast<unsigned>(id); }

bool may_repeat(PropertyId id, const PropertyRule& rule, unsigned place) {
    const bool is_subscribe = place == static_cast<unsigned>(PacketType::subscribe);
    // A PUBLISH has one subscription identifier for each matching subscription, but a SUBSCRIBE has at most one.
    return rule.is_repeatable && !(is_subscribe && id == PropertyId::subscription_identifier);  // 5.0 section 3.8.2.1.2
}

/// Checks the rules for a value that do not follow from its type.
void check_value(Reader& in, const Property& property, const PropertyRule& rule) {
    if (is_number(rule.type) && (property.number < rule.smallest || property.number > rule.largest)) [[unlikely]] {
        // 5.0 section 3.3.2.3.4: alias 0 has its own code. All others: "It is a Protocol Error to ...".
        in.fail(property.id == PropertyId::topic_alias ? Rule::topic_alias_zero : Rule::property_value);
    }
    if (property.id == PropertyId::response_topic) {  // [MQTT-3.3.2-14] [MQTT-4.7.3-1]
        in.require(!property.text.empty() && !has_wildcard(property.text), Rule::response_topic);
    }
}

/// Reads a value of `type` into `property`. With `is_trusted`, the bytes were validated before, and texts are not
/// checked again.
void read_value(Reader& in, PropertyType type, bool is_trusted, Property& property) {
    const auto text = [&] { return is_trusted ? as_text(in.prefixed()) : in.text(); };
    switch (type) {
        case PropertyType::byte: property.number = in.u8(); break;
        case PropertyType::u16: property.number = in.u16(); break;
        case PropertyType::u32: property.number = in.u32(); break;
        case PropertyType::variable: property.number = in.variable(); break;
        case PropertyType::binary: property.text = as_text(in.prefixed()); break;
        case PropertyType::text: property.text = text(); break;
        case PropertyType::text_pair:
            property.name = text();
            property.text = text();
            break;
    }
}

void read_property(Reader& in, unsigned place, std::uint64_t& seen) {
    // An identifier is a variable byte integer, but all defined ones are below 0x80. A longer one is therefore unknown,
    // or has a needless byte. Both are malformed.
    const std::uint8_t id = in.u8();
    const PropertyRule* rule = rule_of(id);
    if (rule == nullptr || (rule->allowed_in >> place & 1U) == 0) [[unlikely]] {
        return in.fail(Rule::property_unknown);  // 5.0 section 2.2.2.2
    }
    Property property;
    property.id = static_cast<PropertyId>(id);
    read_value(in, rule->type, false, property);
    // The value is cut short, so it must not be checked: the error that the reader has kept describes the packet
    // better.
    if (!in.ok()) return;

    if ((seen & bit_of(property.id)) != 0 && !may_repeat(property.id, *rule, place)) [[unlikely]] {
        return in.fail(Rule::property_repeated);  // "It is a Protocol Error to include ... more than once"
    }
    // Each identifier is below 64, so one word holds the set.
    seen |= bit_of(property.id);
    check_value(in, property, *rule);
}

}  // namespace

const PropertyRule* rule_of(std::uint8_t id) {
    // An unused identifier is allowed nowhere, which tells its empty row from a property.
    return id < table.size() && table[id].allowed_in != 0 ? &table[id] : nullptr;
}

Properties read_property_block(Reader& in, std::uint32_t length, unsigned place) {
    // With too few bytes, `raw` is empty and `in` keeps the error Rule::cut_short.
    const Bytes raw = in.bytes(length);
    Reader block(raw);
    std::uint64_t seen = 0;
    while (!block.at_end()) read_property(block, place, seen);
    // 5.0 sections 3.1.2.11.10, 3.2.2.3.18 and 3.15.2.2.2: authentication data without a method is a protocol error.
    const bool has_lonely_data = (seen & bit_of(PropertyId::authentication_data)) != 0 &&
                                 (seen & bit_of(PropertyId::authentication_method)) == 0;
    if (has_lonely_data) block.fail(Rule::authentication_data_alone);
    // The block has its own reader, because a property must not read beyond the end of the block.
    if (!block.ok()) in.fail(block.error().rule);
    return Properties(raw, seen);
}

std::optional<Properties> parse_properties(Bytes raw, PacketType place) {
    Reader in(raw);
    const Properties properties =
        read_property_block(in, static_cast<std::uint32_t>(raw.size()), static_cast<unsigned>(place));
    return in.ok() ? std::optional(properties) : std::nullopt;
}

void Properties::Iterator::read() {
    Reader in(rest_);
    current_ = Property{};
    raw_ = rest_.first(0);  // at the end of the block, this empty view is equal to that of end()
    if (rest_.empty()) return;
    const std::uint8_t id = in.u8();
    // Properties are made from validated blocks only, so an unknown identifier is a mistake of this program.
    const PropertyRule* rule = rule_of(id);
    LEDGE_ASSERT(rule != nullptr);
    current_.id = static_cast<PropertyId>(id);
    read_value(in, rule->type, true, current_);
    LEDGE_ASSERT(in.ok());
    raw_ = rest_.first(rest_.size() - in.left());
    rest_ = in.unread();
}

[[gnu::hot]] std::optional<std::uint32_t> Properties::number(PropertyId id) const {
    // Most questions are about absent properties; the set of seen identifiers answers them without reading the block.
    if (!has(id)) return std::nullopt;
    for (const Property& property : *this) {
        if (property.id == id) return property.number;
    }
    return std::nullopt;
}

std::optional<std::string_view> Properties::text(PropertyId id) const {
    if (!has(id)) return std::nullopt;
    // The first property counts. Only user_property and subscription_identifier can appear several times.
    for (const Property& property : *this) {
        if (property.id == id) return property.text;
    }
    return std::nullopt;
}

namespace {

/// Appends `count` bytes and returns a writer for them.
Writer extend(std::vector<Byte>& bytes, std::size_t count) {
    // The caller computes `count` exactly: Writer asserts that the bytes fit, and no byte may stay unwritten.
    bytes.resize(bytes.size() + count);
    return Writer(std::span<Byte>(bytes).last(count));
}

const PropertyRule& known_rule(PropertyId id) {
    const PropertyRule* rule = rule_of(static_cast<std::uint8_t>(id));
    LEDGE_ASSERT(rule != nullptr);
    return *rule;
}

std::size_t number_size(PropertyType type, std::uint32_t value) {
    if (type == PropertyType::byte) return 1;
    if (type == PropertyType::u16) return 2;
    return type == PropertyType::u32 ? 4 : variable_size(value);
}

}  // namespace

PropertyBuilder& PropertyBuilder::number(PropertyId id, std::uint32_t value) {
    const PropertyType type = known_rule(id).type;
    LEDGE_ASSERT(is_number(type));
    Writer out = extend(bytes_, 1 + number_size(type, value));
    out.u8(static_cast<std::uint8_t>(id));
    if (type == PropertyType::byte) out.u8(static_cast<std::uint8_t>(value));
    if (type == PropertyType::u16) out.u16(static_cast<std::uint16_t>(value));
    if (type == PropertyType::u32) out.u32(value);
    if (type == PropertyType::variable) out.variable(value);
    seen_ |= bit_of(id);
    return *this;
}

PropertyBuilder& PropertyBuilder::text(PropertyId id, std::string_view value) {
    const PropertyType type = known_rule(id).type;
    // Text and binary data have the same form on the wire: a two-byte length and the bytes (5.0 sections 1.5.4 and
    // 1.5.6).
    LEDGE_ASSERT(type == PropertyType::text || type == PropertyType::binary);
    Writer out = extend(bytes_, 3 + value.size());  // id, length, text
    out.u8(static_cast<std::uint8_t>(id));
    out.prefixed(value);
    seen_ |= bit_of(id);
    return *this;
}

PropertyBuilder& PropertyBuilder::user(std::string_view name, std::string_view value) {
    Writer out = extend(bytes_, 5 + name.size() + value.size());  // id, and two texts with their lengths
    out.u8(static_cast<std::uint8_t>(PropertyId::user_property));
    out.prefixed(name);
    out.prefixed(value);
    seen_ |= bit_of(PropertyId::user_property);
    return *this;
}

PropertyBuilder& PropertyBuilder::raw(Bytes bytes, std::uint64_t seen) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    seen_ |= seen;
    return *this;
}

}  // namespace ledge::wire
