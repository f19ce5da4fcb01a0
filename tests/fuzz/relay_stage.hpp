// The stage of relay_fuzz: a relay, an honest local broker, and an upstream whose bytes come from the fuzzer. The stage
// reads both directions of the upstream's connection, so it knows what the relay may do, and requires it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "input.hpp"
#include "ledge/bridge/relay.hpp"
#include "model_broker.hpp"

namespace ledge::fuzz {

class RelayStage {
public:
    /// `flags` choose the options of the bridge and the upstream.
    explicit RelayStage(unsigned flags);

    // ---- The upstream
    /// Bytes of the upstream. While the relay does not read, they wait; if too many wait, new ones are dropped.
    void feed(Bytes bytes);
    void connack(unsigned kind);
    /// Answers the last request of the relay, with this code for each filter.
    void suback(unsigned kind);
    void ack(unsigned kind, unsigned id);
    void publish(unsigned kind, Input& input);
    /// The socket takes up to `most` bytes of the relay.
    void take(std::size_t most);

    // ---- The world
    void device_publishes(unsigned kind);
    /// The local broker and the relay exchange all bytes.
    void moves_inner();
    void waits(Duration by);
    void loses_upstream(bridge::Relay::Closed how);
    void loses_inner();
    /// The local broker has no session at the next connect.
    void forgets() { inner_.quirks.forgets = 1; }
    void restarts();
    void connects();
    void stops();

    /// After each step: the duties of the owner, and the promises that hold at any time.
    void settles();

private:
    /// Bytes that the relay gets in one call: at most one whole packet ends in them.
    struct Part {
        std::string bytes;
        std::optional<wire::Ack> ack;  // the packet that ends here, if it is an answer; a SUBACK has only type and id
    };

    bridge::RelayOptions relay_options() const;
    wire::Version version() const { return version_; }
    template <class Packet>
    void feed_packet(const Packet& packet);
    Part part_of(Bytes bytes, const wire::Framer::Next& next);
    void deliver();
    void note_answer(const wire::Ack& packet);
    void note_output();
    void note_frame(Bytes frame);
    void begin_connection();
    void end_connection();
    void check_finished();
    /// Messages that the relay may answer without the other side, as its counters tell.
    std::uint64_t excused_out() const;
    std::uint64_t excused_in() const;

    unsigned flags_;
    Rng rng_{1};
    Instant now_ = Instant{} + 1h;
    bridge::ModelBroker inner_;
    std::string inner_unread_;
    std::unique_ptr<bridge::Upstream> upstream_;
    std::unique_ptr<bridge::Relay> relay_;
    std::uint64_t excused_out_before_ = 0;  // by the relays before a restart
    std::uint64_t excused_in_before_ = 0;
    std::vector<wire::QoS> published_;  // by devices; the local broker's packet ids begin with 1

    // What the stage knows about the connection to the upstream
    bool is_open_ = false;
    wire::Version version_ = wire::Version::v5;
    std::optional<wire::Framer> from_upstream_;
    bool is_broken_ = false;  // the upstream has sent bytes that are no packets
    std::deque<Part> unread_;
    std::size_t unread_bytes_ = 0;
    std::optional<wire::Framer> to_upstream_;
    std::size_t noted_bytes_ = 0;  // of the relay's unsent output
    bool is_noting_ = false;       // until the connection ends: the relay may drop its output then
    std::set<wire::PacketId> in_flight_;
    std::set<wire::PacketId> released_;
    std::set<wire::PacketId> requests_;
    wire::PacketId last_request_ = 0;
    std::size_t last_filters_ = 0;
    bool is_last_unsubscribe_ = false;
    bool has_connack_ = false;
    std::uint32_t receive_maximum_ = 65'535;
    std::set<wire::PacketId> answered_;  // by the upstream, on this connection

    // What the stage knows about all connections
    std::set<wire::PacketId> received_;  // the upstream has this message of QoS 2
    bool is_capped_ = false;             // an upstream of QoS 0 was there: messages may be gone without an answer
    std::size_t finished_seen_ = 0;
    std::uint64_t unanswered_finished_ = 0;
    std::uint64_t acks_to_upstream_ = 0;  // PUBACK and PUBREC
};

}  // namespace ledge::fuzz
