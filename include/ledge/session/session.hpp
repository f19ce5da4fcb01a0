// Session: what the broker remembers of a client id, with or without a connection. Owned by the broker's session
// table, on the thread of its shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/session/environment.hpp"
#include "ledge/session/inflight.hpp"
#include "ledge/session/pending_queue.hpp"
#include "ledge/session/received_ids.hpp"

namespace ledge::session {

/// The will of the present connection, or of the last one while its delay runs.
struct StoredWill {
    Publication publication;  // expires_at unset: its interval starts when it is published
    std::uint32_t delay_s = 0;
    std::uint32_t expiry_interval_s = 0;
    bool has_expiry = false;
};

inline constexpr std::uint32_t expiry_never = 0xFFFF'FFFF;  // [MQTT-3.1.2.11.2]

/// Why a publication was not kept.
enum class DropReason : std::uint8_t {
    slow_reader,  // QoS 0, outbox full
    queue_full,   // QoS 1/2, queue limits
};

class Session {
public:
    Session(Environment& environment, std::string client_id, const SessionLimits& limits);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& client_id() const { return client_id_; }
    Connection* connection() const { return connection_; }
    bool is_online() const { return connection_ != nullptr; }
    const SessionLimits& limits() const { return *limits_; }

    void attach(Connection& connection, const SessionLimits& limits);
    /// The connection is gone: nothing counts as sent any more.
    void detach();

    /// True when a publication for it must be kept while it is offline.
    bool is_persistent() const { return expiry_interval_s > 0; }

    /// Messages it holds: in flight and pending.
    std::size_t backlog() const { return inflight_.size() + pending_.size(); }
    const Inflight& inflight() const { return inflight_; }
    Inflight& inflight() { return inflight_; }
    const PendingQueue& pending() const { return pending_; }

    // The only ways in and out of the two queues; they keep the shard's gauges.
    void enqueue(Delivery delivery);
    Delivery dequeue();
    wire::PacketId open_exchange(Delivery delivery);
    void finish_exchange(wire::PacketId id);

    ReceivedIds received;
    std::unique_ptr<StoredWill> will;
    std::uint32_t expiry_interval_s = 0;
    CoreTimer expiry_timer;
    CoreTimer will_timer;

    /// A filter this session has subscribed to, as the broker's subscription table names it.
    struct SubscriptionRef {
        std::uint32_t filter = 0;
        std::uint32_t share_group = 0;  // 0: not shared
        friend bool operator==(const SubscriptionRef&, const SubscriptionRef&) = default;
    };
    std::vector<SubscriptionRef> subscriptions;

    /// A publication is not kept for this session. Counts it; logs the first of a run, not each.
    void note_drop(DropReason reason, const PublicationView& publication);
    /// It keeps up again: says so if there was a run of drops.
    void note_recovery() {
        if (dropped_in_a_row_ > 0) end_run_of_drops();
    }

    // Scratch of the router: which hit of which publication stands for this session.
    std::uint64_t route_stamp = 0;
    std::uint32_t route_hit = 0;

private:
    void end_run_of_drops();

    Environment& environment_;
    std::string client_id_;
    const SessionLimits* limits_;
    Inflight inflight_;
    PendingQueue pending_;
    Connection* connection_ = nullptr;
    std::uint64_t dropped_in_a_row_ = 0;
};

}  // namespace ledge::session
