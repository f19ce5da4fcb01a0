// Plan: what one seed makes of the world: how many clients of which kind, how bad the network is, how tight the limits.
#pragma once

#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::sim {

/// How bytes come to the broker.
enum class Slicing : std::uint8_t { single_bytes, random_pieces, whole_bursts };

/// When a client acknowledges.
enum class Acking : std::uint8_t { prompt, late, never };

/// What the clock of the broker makes of the time between its last commit and its next start.
enum class Rest : std::uint8_t { exact, nothing, too_long };

struct ClientPlan {
    wire::Version version = wire::Version::v5;
    bool is_anonymous = false;  // empty client id: no session to come back to
    bool is_sharer = false;     // member of shared subscriptions
    bool is_persistent = true;  // wants its session back
    Acking acking = Acking::prompt;
    std::uint32_t session_expiry_s = 0;  // v5
    std::uint16_t keep_alive_s = 0;
    std::uint16_t receive_maximum = 0;  // v5; 0: not said
    std::uint32_t packet_size_max = 0;  // v5; 0: not said
    std::uint16_t alias_maximum = 0;    // v5
    bool has_will = false;
    std::uint32_t will_delay_s = 0;          // v5
    std::uint32_t window_bytes = 1U << 20U;  // what the network takes for it before it reads
    std::uint32_t chattiness = 100;          // how often it does something, per cent
};

struct Plan {
    /// `with_store`: the broker keeps its state in one, and is killed more often.
    explicit Plan(std::uint64_t seed, bool with_store = false);
    /// A short one, for a world that is lived through again and again, with a crash after each of its steps in turn.
    static Plan of_crash_points(std::uint64_t seed);

    broker::ShardOptions options;
    std::vector<ClientPlan> clients;
    std::uint32_t strangers = 0;  // hostile clients
    std::uint32_t steps = 0;
    Slicing slicing = Slicing::random_pieces;
    std::uint32_t cut_one_in = 0;    // connections lost, per step
    std::uint32_t stall_one_in = 0;  // a reader stops or starts to read, per step
    std::uint32_t leap_one_in = 0;   // time jumps by seconds, per step
    std::uint32_t kill_one_in = 0;   // the broker is killed, per step; 0: never
    std::uint32_t large_one_in = 0;  // large payloads, per publication
    bool is_tight = false;           // small limits: queues overflow, outboxes fill
    bool ends_with_shutdown = false;

    bool has_store = false;
    Duration commit_time_max{};     // a commit takes up to this long
    std::uint32_t fail_one_in = 0;  // the store begins to fail, per step; 0: never
    Rest rest = Rest::exact;        // after a crash
    std::uint64_t crash_at = 0;     // step; 0: by chance
    bool is_commit_kept = false;    // of crash_at: what was being written is durable
};

}  // namespace ledge::sim
