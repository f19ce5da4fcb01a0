// Event: one thing that happened in the simulated world, as plain facts. The world writes the history, the checkers
// read it; a forged history is a list of these.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::sim {

enum class Kind : std::uint8_t {
    opened,          // the broker has accepted a connection
    bytes,           // the broker was given bytes, but not yet a whole packet
    in,              // the broker was given the last byte of this packet
    out,             // the last byte of this packet has left the broker's outbox
    got,             // the client was given the last byte of this packet
    closing,         // the broker has decided to close the connection; `text`: why it may
    closed,          // the connection is gone
    drained,         // all that the broker owed this connection was written
    session_began,   // by the reference model: a session without a past; `number`: counts a client's sessions
    session_kept,    // ... CONNECT found a session
    session_ended,   // ... its state is gone
    routed,          // ... this publication goes to this client's session (not by a shared subscription)
    routed_group,    // ... goes to one of the clients in `ids`, by the shared subscription `text`
    replayed,        // ... goes to this client as retained message, because it has subscribed
    replaced,        // ... the retained message of topic `text` is another one now, or none
    subscribed,      // ... `text` is now a subscription of the session; `flag`: it was one already
    unsubscribed,    // ... is no subscription any more
    voided,          // ... the broker owes nobody this publication any more: it has refused it
    will_cancelled,  // ... this will must never be published (any more)
    will_due,        // ... this will may be published from now on, or, after a crash, once more
    taken,           // the store was given everything that has changed so far, as one commit
    stored,          // that commit is durable
    store_failed,    // none ever will be: what waits for one may never be answered
    changed,         // by the reference model: what the store has to know of `text` is now state `number`
    promised,        // ... the broker has told a client so: no crash may take it back
    lost,            // ... a crash may take back this publication; `flag`: it was to be durable
    restored,        // ... the session of this client, of generation `number`, is still there after a crash
    memory,          // `number`: bytes the broker holds, `size`: bytes it may hold
    restarted,       // the broker was killed and started again
    finished,        // everybody has read and acknowledged everything; no more time for what is owed
};

/// What a publication of the simulated world says of itself, in its payload.
struct Label {
    std::uint32_t uid = 0;        // 0: not one of ours
    std::int32_t publisher = -1;  // client
    bool is_will = false;
    wire::QoS qos = wire::QoS::at_most_once;  // it was published with
    std::uint32_t seq = 0;                    // counts per publisher, topic and QoS
    bool is_damaged = false;                  // one of ours, but the bytes are not as they were sent
};

struct Event {
    Kind kind{};
    wire::PacketType type{};  // of in, out, got
    std::uint64_t step = 0;
    Instant at{};
    std::int32_t client = -1;  // -1: nobody we know (yet)
    std::int32_t link = -1;    // counts connections
    wire::Version version = wire::Version::v3_1_1;

    // The packet
    wire::PacketId packet_id = 0;
    wire::QoS qos = wire::QoS::at_most_once;
    bool dup = false;
    bool retain = false;
    bool flag = false;  // CONNECT: clean start; CONNACK: session present; got PUBLISH: new to the application
    wire::ReasonCode code = wire::ReasonCode::success;
    std::uint32_t size = 0;      // bytes of the packet
    std::uint32_t number = 0;    // see Kind; CONNECT: keep alive in s; PUBLISH: topic alias
    std::uint32_t expiry_s = 0;  // PUBLISH: message expiry interval
    bool has_expiry = false;
    std::string text;                // topic as resolved, filter, cause; CONNECT: client id
    std::vector<std::uint32_t> ids;  // subscription identifiers; clients of routed_group
    Label label;

    // CONNECT: what the client allows
    std::uint32_t receive_maximum = 65'535;
    std::uint32_t packet_size_max = 0xFFFF'FFFF;
    std::uint32_t alias_maximum = 0;
};

std::string to_string(const Event& event);

/// Mixes the event into a running hash: two runs with equal hashes had equal histories.
std::uint64_t mix(std::uint64_t hash, const Event& event);

/// A payload that carries the label and is `size` bytes long, or as long as the label needs. `is_damaged` is ignored.
std::vector<Byte> make_payload(const Label& label, std::size_t size);
Label read_payload(Bytes payload);

}  // namespace ledge::sim
