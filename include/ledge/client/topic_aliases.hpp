// Topic aliases of one connection (5.0 section 3.3.2.3.4): both tables end with it [MQTT-3.3.2-7].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::client {

/// Aliases that the server has set. Numbers are 1 to the Topic Alias Maximum that CONNECT told.
class AliasesIn {
public:
    void reset(std::uint16_t maximum);
    /// Requires 1 <= alias <= maximum.
    void set(std::uint32_t alias, std::string_view topic) { topics_[alias - 1].assign(topic); }
    /// Empty: the alias was never set. Requires 1 <= alias <= maximum.
    std::string_view topic_of(std::uint32_t alias) const { return topics_[alias - 1]; }
    bool is_in_range(std::uint32_t alias) const { return alias >= 1 && alias <= topics_.size(); }

private:
    std::vector<std::string> topics_;  // by alias - 1
};

/// Aliases that the client sets. When all are in use, the topic that was used least recently loses its alias.
class AliasesOut {
public:
    void reset(std::uint16_t maximum);

    struct Choice {
        std::uint16_t alias = 0;  // 0 = none: the topic is sent
        bool is_known = false;    // the server knows the alias: the topic is left out
    };
    /// The caller sends what was chosen: from now on the server knows the alias.
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
