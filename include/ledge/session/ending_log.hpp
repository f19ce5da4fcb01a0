// EndingLog: the last refusals and disconnects, for operators who ask why a client is not connected. Each of them is
// also a line of the log; this list answers the question when nobody has kept the log. Owned by the shard; used on the
// shard's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::session {

struct EndedConnection {
    enum class Kind : std::uint8_t {
        refused,       // before its CONNECT was accepted
        disconnected,  // later
    };

    std::uint64_t number = 0;  // counted from 1 since the start of the broker
    Instant at{};
    Kind kind = Kind::refused;
    std::optional<wire::ReasonCode> code{};  // empty = MQTT has no code for the reason
    std::string reason{};                    // the name of the code, or another word such as "connection lost"
    // "" in the members below = not known, or nothing to say.
    std::string client_id{};
    std::string user{};
    std::string address{};
    std::string listener{};
    std::string detail{};
    std::string rule{};
};

class EndingLog {
public:
    static constexpr std::size_t entries_max = 256;
    static constexpr std::size_t text_bytes_max = 512;      // of each member; peers choose some of them
    static constexpr std::size_t bytes_max = 128UL * 1024;  // of all texts together

    /// `latest` = the time of the present turn; it must outlive the log.
    explicit EndingLog(const Instant& latest) : latest_(latest) {}

    /// Keeps the entry. Its number and time are set here, and its texts are cut to text_bytes_max.
    void add(EndedConnection ended);

    /// The oldest entry comes first.
    const std::deque<EndedConnection>& entries() const { return entries_; }
    /// The last disconnect of the client; nullptr when the log has none.
    const EndedConnection* last_disconnect(std::string_view client_id) const;

private:
    static std::size_t bytes_of(const EndedConnection& ended);

    const Instant& latest_;
    std::deque<EndedConnection> entries_;
    std::size_t bytes_ = 0;
    std::uint64_t last_number_ = 0;
};

}  // namespace ledge::session
