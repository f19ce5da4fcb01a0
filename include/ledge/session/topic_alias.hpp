// Topic aliases (5.0 section 3.3.2.3.4). Both tables live and die with the connection [MQTT-3.3.2-7].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::session {

/// Aliases the client has set. Alias numbers are 1..maximum.
class InboundAliases {
public:
    /// False: the number is out of range [MQTT-3.3.2-9].
    bool set(std::uint32_t alias, std::string_view topic, std::uint32_t maximum);
    /// nullopt: out of range or never set.
    std::optional<std::string_view> resolve(std::uint32_t alias) const;

private:
    std::vector<std::string> topics_;  // by alias - 1; empty: not set
};

/// Aliases we choose for the client: a topic gets one the second time it is sent; when all are taken the one unused
/// for longest is given away.
class OutboundAliases {
public:
    explicit OutboundAliases(std::uint16_t maximum) : maximum_(maximum) {}

    struct Choice {
        std::uint16_t alias = 0;      // 0: send the topic, no alias
        bool is_established = false;  // the client knows it: the topic may be left empty
    };
    Choice choose(std::string_view topic);
    /// The packet of the last choice was not sent: an alias that it would have established is free again.
    void take_back();

private:
    struct Entry {
        std::string topic;
        std::uint64_t last_used = 0;
    };
    static std::uint64_t hash(std::string_view topic);

    std::uint16_t maximum_;
    std::uint64_t uses_ = 0;
    std::size_t unestablished_ = 0;         // alias of the last choice, if that packet tells it to the client
    std::vector<Entry> entries_;            // by alias - 1
    std::vector<std::uint64_t> seen_once_;  // hashes, a ring of maximum_ entries
    std::size_t seen_next_ = 0;
};

}  // namespace ledge::session
