// LocalSession: makes the session of a bridge at the local broker, before the upstream is reached for the first time.
// From then on the messages of the outgoing routes wait in the session, whether the upstream can be reached or not.
//
//     begin() ──► connecting ──CONNACK──► subscribing ──all answers──► done: the client disconnects, the session stays
//                      └────────── refused, or time is over ─────────► done, with problem()
//
// Owned by Bridges; on the loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/bridge/route_set.hpp"
#include "ledge/client/client.hpp"
#include "ledge/transport/inner_link.hpp"
#include "ledge/uplink/pump.hpp"

namespace ledge::transport {
class Driver;
}

namespace ledge::uplink {

class LocalSession {
public:
    static constexpr Duration time_max = 30s;  // from begin() until done

    /// `filters`: the subscriptions that the session shall have. The driver must outlive the object.
    LocalSession(transport::Driver& driver, InnerPeer peer, const std::string& client_id,
                 std::vector<bridge::Subscription> filters);

    /// `retired`: filters that the session has from an earlier configuration; they are unsubscribed. Call once.
    void begin(std::vector<std::string> retired, Instant now);
    void turn(Instant now);
    bool wants_turn() const;
    void on_time(Instant now);
    Instant next_deadline() const { return is_done_ ? never : deadline_; }

    /// True: the session shall have this subscription.
    bool has(std::string_view filter) const;
    bool is_done() const { return is_done_; }
    /// After is_done(): the local broker had no session of this bridge before.
    bool is_new() const { return is_new_; }
    /// After is_done(): why the session is not as it should be, in words; "" = it is.
    const std::string& problem() const { return problem_; }

private:
    bool is_begun() const { return deadline_ != never; }
    void read(Instant now);
    void on_event(const client::Event& event);
    void send_next_request();
    void end(std::string problem);

    InnerPeer peer_;
    client::Client client_;
    transport::InnerEnd end_;
    std::vector<bridge::Subscription> filters_;
    std::vector<std::string> retired_;
    std::size_t next_filter_ = 0;
    Instant deadline_ = never;
    bool is_new_ = false;
    bool is_done_ = false;
    std::string problem_;
};

}  // namespace ledge::uplink
