// Topic aliases of one connection (5.0 section 3.3.2.3.4). Both tables end with the connection [MQTT-3.3.2-7]. Owned by
// Client.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/assert.hpp"

namespace ledge::client {

/// The aliases that the server has set, from 1 to the Topic Alias Maximum of CONNECT.
class AliasesIn {
public:
    void reset(std::uint16_t maximum);
    /// Requires 1 <= alias <= maximum.
    void set(std::uint32_t alias, std::string_view topic) {
        LEDGE_ASSERT(is_in_range(alias));
        topics_[alias - 1].assign(topic);
    }
    /// "": the alias was never set. Requires 1 <= alias <= maximum.
    std::string_view topic_of(std::uint32_t alias) const {
        LEDGE_ASSERT(is_in_range(alias));
        return topics_[alias - 1];
    }
    bool is_in_range(std::uint32_t alias) const { return alias >= 1 && alias <= topics_.size(); }

private:
    std::vector<std::string> topics_;  // by alias - 1
};

/// The aliases that the client sets. When all are in use, the topic that was used least recently loses its alias.
class AliasesOut {
public:
    void reset(std::uint16_t maximum);

    struct Choice {
        std::uint16_t alias = 0;  // 0 = no alias: the topic is sent
        bool is_known = false;    // true: the server knows the alias, so the topic is left out
    };
    /// The caller must send a packet with the result, because the table assumes that the server then knows the alias.
    Choice choose(std::string_view topic);

private:
    struct Slot {
        std::string topic;
        std::uint64_t last_use = 0;  // a counter of choices; 0 = free
    };
    std::vector<Slot> slots_;  // by alias - 1
    std::uint64_t uses_ = 0;
};

}  // namespace ledge::client
