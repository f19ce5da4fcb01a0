// MQTT 5 properties (5.0 section 2.2.2). One table says for every id the type of the value, whether the property may
// repeat, and in which packets the property may appear. A decoded block is a view of the validated bytes. The getters
// walk through these bytes and allocate nothing. No shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::wire {

enum class PropertyId : std::uint8_t {
    payload_format_indicator = 0x01,
    message_expiry_interval = 0x02,
    content_type = 0x03,
    response_topic = 0x08,
    correlation_data = 0x09,
    subscription_identifier = 0x0B,
    session_expiry_interval = 0x11,
    assigned_client_identifier = 0x12,
    server_keep_alive = 0x13,
    authentication_method = 0x15,
    authentication_data = 0x16,
    request_problem_information = 0x17,
    will_delay_interval = 0x18,
    request_response_information = 0x19,
    response_information = 0x1A,
    server_reference = 0x1C,
    reason_string = 0x1F,
    receive_maximum = 0x21,
    topic_alias_maximum = 0x22,
    topic_alias = 0x23,
    maximum_qos = 0x24,
    retain_available = 0x25,
    user_property = 0x26,
    maximum_packet_size = 0x27,
    wildcard_subscription_available = 0x28,
    subscription_identifier_available = 0x29,
    shared_subscription_available = 0x2A,
};

enum class PropertyType : std::uint8_t { byte, u16, u32, variable, binary, text, text_pair };

/// The place "will properties of a CONNECT". No packet type has the number 0, so bit 0 of PropertyRule::allowed_in is
/// free for this place.
inline constexpr unsigned in_will = 0;

struct PropertyRule {
    PropertyType type{};
    bool is_repeatable = false;    // only User Property, and Subscription Identifier in PUBLISH (not in SUBSCRIBE)
    std::uint32_t allowed_in = 0;  // set of places: bit (1 << PacketType), or bit (1 << in_will)
    // The range of a number. A value outside is a protocol error, except for Topic Alias (code 0x94).
    std::uint32_t smallest = 0;
    std::uint32_t largest = 0xFFFF'FFFF;
};

/// Returns the rule of a property, or nullptr if the standard does not define the id.
const PropertyRule* rule_of(std::uint8_t id);

/// One property. The type of the id decides which member holds the value.
struct Property {
    PropertyId id{};
    std::uint32_t number = 0;  // value of the types byte, u16, u32 and variable
    std::string_view text;     // value of the types text and binary, and of a pair
    std::string_view name;     // name of a pair
};

/// A validated property block without its length prefix. The bytes belong to the packet.
class Properties {
public:
    Properties() = default;
    /// `raw` must be a valid block. `seen` has bit (1 << id) for every id in the block.
    Properties(Bytes raw, std::uint64_t seen) : raw_(raw), seen_(seen) {}

    bool has(PropertyId id) const { return (seen_ >> static_cast<unsigned>(id) & 1U) != 0; }
    bool empty() const { return raw_.empty(); }
    Bytes raw() const { return raw_; }
    std::uint64_t seen() const { return seen_; }

    /// The value of the first property with this id; nullopt = the block has none.
    std::optional<std::uint32_t> number(PropertyId id) const;
    std::optional<std::string_view> text(PropertyId id) const;  // of the types text and binary

    class Iterator {
    public:
        explicit Iterator(Bytes rest) : rest_(rest) { read(); }
        const Property& operator*() const { return current_; }
        const Property* operator->() const { return &current_; }
        /// Returns the bytes of the current property, id included.
        Bytes raw() const { return raw_; }
        Iterator& operator++() {
            read();
            return *this;
        }
        bool operator!=(const Iterator& end) const { return raw_.data() != end.raw_.data(); }

    private:
        void read();
        Bytes rest_;  // the bytes behind the current property
        Bytes raw_;
        Property current_;
    };
    Iterator begin() const { return Iterator(raw_); }
    Iterator end() const { return Iterator(Bytes(raw_.data() + raw_.size(), std::size_t{0})); }

private:
    Bytes raw_;
    std::uint64_t seen_ = 0;
};

/// Collects properties for a packet that will be sent, and owns their bytes. A builder that is cleared and used again
/// needs no new memory. The caller must keep to the rules of the table: the kind of value must fit the id, and a text
/// has at most 65,535 bytes.
class PropertyBuilder {
public:
    PropertyBuilder& number(PropertyId id, std::uint32_t value);
    PropertyBuilder& text(PropertyId id, std::string_view value);
    PropertyBuilder& user(std::string_view name, std::string_view value);
    /// Appends bytes that are already a valid sequence of properties. `seen` means the same as in Properties; 0 is
    /// enough for a block that is only written, because writing does not ask has().
    PropertyBuilder& raw(Bytes bytes, std::uint64_t seen);
    void clear() {
        bytes_.clear();
        seen_ = 0;
    }
    std::size_t size() const { return bytes_.size(); }
    /// Returns the collected block. The view is valid until the builder changes.
    Properties view() const { return Properties(Bytes(bytes_.data(), bytes_.size()), seen_); }

private:
    std::vector<Byte> bytes_;
    std::uint64_t seen_ = 0;
};

}  // namespace ledge::wire
