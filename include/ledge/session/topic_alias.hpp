// Topic aliases (5.0 section 3.3.2.3.4). Both tables end with the connection [MQTT-3.3.2-7]. Owned by PublishReceiver
// and PacketSender, on the shard's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::session {

/// The aliases that the client has set. Alias numbers are 1 to `maximum`.
class InboundAliases {
public:
    /// False when the number is out of range [MQTT-3.3.2-9].
    bool set(std::uint32_t alias, std::string_view topic, std::uint32_t maximum);
    /// The topic of the alias; nothing when the number is out of range or was never set.
    std::optional<std::string_view> resolve(std::uint32_t alias) const;

private:
    std::vector<std::string> topics_;  // by alias minus 1; "" = not set
};

/// The aliases that the broker chooses for the client. A topic gets an alias when it is sent for the second time. When
/// all aliases are in use, the topic that was not sent for the longest time loses its alias.
class OutboundAliases {
public:
    explicit OutboundAliases(std::uint16_t maximum) : maximum_(maximum) {}
    std::uint16_t maximum() const { return maximum_; }

    struct Choice {
        std::uint16_t alias = 0;      // 0 = send the topic without an alias
        bool is_established = false;  // the client knows the alias, so the topic may be left empty
    };
    Choice choose(std::string_view topic);
    /// The packet of the last choice was not sent. If it would have told the client a new alias, the alias is free
    /// again.
    void take_back();

private:
    struct Entry {
        std::string topic;
        std::uint64_t last_used = 0;
    };
    static std::uint64_t hash(std::string_view topic);

    std::uint16_t maximum_;
    std::uint64_t uses_ = 0;                // calls of choose()
    std::size_t unestablished_ = 0;         // the alias that the packet of the last choice tells the client; 0 = none
    std::vector<Entry> entries_;            // by alias minus 1
    std::vector<std::uint64_t> seen_once_;  // hashes of topics that were sent once, a ring of maximum_ entries
    std::size_t seen_next_ = 0;             // the next entry to be overwritten, modulo maximum_
};

}  // namespace ledge::session
