// Exchanges: the messages of QoS 1 and 2 that a relay has passed on in one direction, and whose exchange has not ended.
// This is no delivery state: it belongs to one pair of connections, and is forgotten with them. After that the brokers
// at both ends repeat what has not ended. Owned by Relay.
//
// The two sides of an exchange: the source sends the message to the relay, the target gets it from the relay.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/client/packet_id_set.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::bridge {

enum class ExchangeState : std::uint8_t {
    passed_on,      // PUBLISH sent to the target; PUBACK or PUBREC awaited from it
    setting_aside,  // the message is being stored as a dead letter; the source is answered after that
    received,       // PUBREC passed to the source; PUBREL awaited from it, then PUBCOMP from the target
    settled,        // the relay has answered the source with PUBREC by itself, and will answer its PUBREL by itself
};

struct Exchange {
    wire::PacketId id = 0;
    ExchangeState state = ExchangeState::passed_on;
    wire::QoS source_qos = wire::QoS::at_least_once;  // as the source has sent it
    wire::QoS target_qos = wire::QoS::at_least_once;  // as the relay has passed it on
    std::uint64_t fingerprint = 0;                    // of topic and payload
    std::string topic = {};                           // at the target, for events
    Instant began{};
};

class Exchanges {
public:
    bool empty() const { return list_.empty(); }
    std::size_t size() const { return list_.size(); }
    /// nullptr = there is no exchange with this id. References stay valid until the exchange is erased. The search
    /// begins with the oldest exchange, which is the one that is usually answered first.
    Exchange* find(wire::PacketId id);
    bool contains(wire::PacketId id) const { return ids_.contains(id); }
    /// Requires that no exchange has this id.
    Exchange& add(Exchange exchange);
    /// Requires that the exchange exists.
    void erase(wire::PacketId id);
    void clear() {
        list_.clear();
        ids_.clear();
    }
    /// The oldest exchange that waits for the target's first answer; nullptr = there is none.
    const Exchange* oldest_unanswered() const;
    /// The number of exchanges that wait for the target's first answer.
    std::size_t unanswered() const;

private:
    std::deque<Exchange> list_;  // in the order of add()
    client::PacketIdSet ids_;    // of the list, so that a new id is known as new without a search
};

}  // namespace ledge::bridge
