#include "relay_stage.hpp"

#include "client_packets.hpp"
#include "require.hpp"
#include "routes.hpp"

namespace ledge::fuzz {

using bridge::Relay;
using wire::PacketId;
using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;
using wire::Version;

namespace {

// Small limits, so that a short input reaches them.
constexpr std::uint32_t packet_bytes_max = 300;
constexpr std::size_t unread_bytes_max = 1000;
// Messages of QoS 0 are dropped above the limit. All others, and the answers, are few and small here.
constexpr std::size_t output_bytes_max = client::Limits{}.outbox_bytes_max + 64 * 1024;
constexpr std::size_t published_max = 200;

constexpr ReasonCode ack_codes[] = {ReasonCode::success,           ReasonCode::no_matching_subscribers,
                                    ReasonCode::quota_exceeded,    ReasonCode::packet_identifier_not_found,
                                    ReasonCode::unspecified_error, ReasonCode::not_authorized,
                                    ReasonCode::success,           ReasonCode::success};
constexpr Byte suback_codes[] = {0, 1, 2, 0x80, 0x87, 2, 1, 0x97};
constexpr std::string_view upstream_topics[] = {"site/cmd/a", "two/b", "site/cmd/a+b", "ActiveMQ/Advisory/x"};
constexpr std::string_view local_topics[] = {"plant/a", "two/b", "plant/a.b*c", "plant/kept"};

}  // namespace

RelayStage::RelayStage(unsigned flags) : flags_(flags), inner_(Version::v5, 1, 4) { restarts(); }

bridge::RelayOptions RelayStage::relay_options() const {
    bridge::RelayOptions options;
    options.routes = {bridge::out_route("plant/#", "", "site/"), bridge::in_route("cmd/#", "", "site/"),
                      bridge::both_route("two/#")};
    for (bridge::Route& route : options.routes) route.qos = QoS::exactly_once;
    options.client_id = "gw";
    options.inner_client_id = "bridge";
    options.own_id = "gw-17";
    options.keep_alive_s = 20;
    options.packet_bytes_max = packet_bytes_max;
    options.topic_alias_maximum_out = 2;
    options.inflight_max = 4;
    options.poison_attempts = (flags_ & 1U) != 0 ? 1 : 3;
    options.dead_letter_topic = (flags_ & 2U) != 0 ? "" : "dead";
    if ((flags_ & 4U) != 0) options.marks = bridge::MarkRule::always;
    options.falls_back_to_qos0 = (flags_ & 8U) != 0;
    options.republishes_retained = (flags_ & 8U) != 0;
    if ((flags_ & 16U) != 0) {
        options.will = client::WillOptions{"state", "0", QoS::at_most_once, true, {}};
        options.online_message = client::WillOptions{"state", "1", QoS::at_most_once, true, {}};
    }
    return options;
}

/// The process of the gateway begins: nothing is left of the one before but the session of the local broker.
void RelayStage::restarts() {
    if (relay_ != nullptr) {
        excused_out_before_ = excused_out();
        excused_in_before_ = excused_in();
    }
    end_connection();
    inner_.closed();
    inner_unread_.clear();
    bridge::UpstreamOptions options;
    options.protocol = (flags_ & 32U) != 0   ? bridge::ProtocolChoice::v3_1_1
                       : (flags_ & 64U) != 0 ? bridge::ProtocolChoice::v5
                                             : bridge::ProtocolChoice::automatic;
    if ((flags_ & 128U) != 0) options.kind = bridge::UpstreamKind::ledgemq;
    upstream_ = std::make_unique<bridge::Upstream>(options);
    relay_ = std::make_unique<Relay>(relay_options(), *upstream_);
}

// ---------------------------------------------------------------------------------------------------------------------
// The upstream

template <class Packet>
void RelayStage::feed_packet(const Packet& packet) {
    std::vector<Byte> bytes(wire::encoded_size(packet, version()));
    wire::Writer writer(bytes);
    wire::encode(packet, version(), writer);
    feed(bytes);
}

void RelayStage::feed(Bytes bytes) {
    if (!is_open_ || unread_bytes_ + bytes.size() > unread_bytes_max) return;
    while (!bytes.empty()) {
        const Bytes before = bytes;
        if (is_broken_) {
            unread_.push_back({std::string(as_text(bytes)), {}});
            unread_bytes_ += bytes.size();
            break;
        }
        const wire::Framer::Next next = from_upstream_->next(bytes, wire::packet_size_max);
        const bool is_whole = next.status == wire::Framer::Status::frame;
        is_broken_ = !is_whole && next.status != wire::Framer::Status::need_more;
        if (is_broken_) bytes = {};
        unread_.push_back(part_of(before.first(before.size() - bytes.size()), next));
        unread_bytes_ += unread_.back().bytes.size();
    }
    deliver();
}

RelayStage::Part RelayStage::part_of(Bytes bytes, const wire::Framer::Next& next) {
    Part part{std::string(as_text(bytes)), {}};
    if (next.status != wire::Framer::Status::frame) return part;
    const PacketType type = wire::type_of(next.frame);
    if (type >= PacketType::puback && type <= PacketType::pubcomp) {
        if (const auto packet = wire::decode_ack(next.frame, version()); packet.ok())
            part.ack = wire::Ack{packet->type, packet->packet_id, packet->code, {}};
    } else if (type == PacketType::suback || type == PacketType::unsuback) {
        const auto packet = type == PacketType::suback ? wire::decode_suback(next.frame, version())
                                                       : wire::decode_unsuback(next.frame, version());
        if (packet.ok()) part.ack = wire::Ack{type, packet->packet_id, {}, {}};
    } else if (type == PacketType::connack) {
        const auto packet = wire::decode_connack(next.frame, version());
        // A second CONNACK breaks the protocol, and says nothing.
        if (has_connack_ || !packet.ok() || packet->code != ReasonCode::success) return part;
        has_connack_ = true;
        receive_maximum_ = packet->properties.number(PropertyId::receive_maximum).value_or(65'535);
        if (packet->properties.number(PropertyId::maximum_qos) == 0U) is_capped_ = true;
    }
    return part;
}

/// Gives the relay one packet after the other, as long as it reads.
void RelayStage::deliver() {
    while (is_open_ && !unread_.empty()) {
        Part& part = unread_.front();
        Bytes rest = as_bytes(part.bytes);
        relay_->upstream_bytes(rest, now_);
        if (!rest.empty()) {
            unread_bytes_ -= part.bytes.size() - rest.size();
            part.bytes = std::string(as_text(rest));
            return note_output();
        }
        unread_bytes_ -= part.bytes.size();
        if (part.ack && is_noting_) note_answer(*part.ack);
        unread_.pop_front();
        note_output();
    }
}

void RelayStage::note_answer(const wire::Ack& packet) {
    const PacketId id = packet.packet_id;
    if (packet.type == PacketType::suback || packet.type == PacketType::unsuback) {
        requests_.erase(id);
        return;
    }
    if (!in_flight_.contains(id) && !released_.contains(id)) return;
    answered_.insert(id);
    // A message of QoS 2 has further packets to exchange with the local broker, perhaps on a later connection.
    if (id <= published_.size() && published_[id - 1U] == QoS::exactly_once) received_.insert(id);
    if (packet.type == PacketType::pubrec && !wire::is_error(packet.code)) return;
    if (packet.type == PacketType::pubrel) return;  // of a message of the upstream
    in_flight_.erase(id);
    released_.erase(id);
}

void RelayStage::connack(unsigned kind) {
    wire::Connack packet;
    packet.session_present = kind % 2 != 0;
    wire::PropertyBuilder properties;
    if (version() == Version::v5 && (kind & 2U) != 0) {
        properties.number(PropertyId::receive_maximum, 2);
        properties.number(PropertyId::maximum_packet_size, 80);
        properties.number(PropertyId::topic_alias_maximum, 9);
    }
    if (version() == Version::v5 && (kind & 4U) != 0) {
        properties.number(PropertyId::maximum_qos, kind % 2);
        properties.number(PropertyId::retain_available, 0);
    }
    packet.properties = properties.view();
    feed_packet(packet);
}

void RelayStage::suback(unsigned kind) {
    if (last_request_ == 0) return;
    const std::vector<Byte> codes(last_filters_, is_last_unsubscribe_ ? Byte{0} : suback_codes[kind % 8]);
    feed_packet(
        wire::Suback{is_last_unsubscribe_ ? PacketType::unsuback : PacketType::suback, last_request_, codes, {}});
}

void RelayStage::ack(unsigned kind, unsigned id) {
    const auto type = static_cast<PacketType>(static_cast<unsigned>(PacketType::puback) + kind % 4);
    const ReasonCode code = version() == Version::v5 ? ack_codes[kind / 4 % 8] : ReasonCode::success;
    const bool is_late = type == PacketType::pubrel || type == PacketType::pubcomp;
    const bool is_allowed = !is_late || code == ReasonCode::success || code == ReasonCode::packet_identifier_not_found;
    feed_packet(wire::Ack{type, static_cast<PacketId>(id % 16 + 1), is_allowed ? code : ReasonCode::success, {}});
}

void RelayStage::publish(unsigned kind, Input& input) {
    wire::Publish packet;
    const std::string payload(1 + input.below(200), 'u');
    packet.topic = upstream_topics[kind / 3 % 4];
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<QoS>(kind % 3);
    const unsigned choice = input.byte();
    if (packet.qos != QoS::at_most_once) packet.packet_id = static_cast<PacketId>(1 + choice % 8);
    packet.dup = packet.qos != QoS::at_most_once && choice >= 128;
    packet.retain = choice % 16 >= 8;
    feed_packet(packet);
}

void RelayStage::take(std::size_t most) {
    if (!is_open_) return;
    const std::size_t count = std::min(most, relay_->upstream_output().size());
    noted_bytes_ -= std::min(noted_bytes_, count);
    relay_->upstream_sent(count, now_);
    note_output();
    deliver();
}

// ---------------------------------------------------------------------------------------------------------------------
// What the relay sends to the upstream

/// Reads what the relay has added to its output. When the connection ends, the relay may drop output.
void RelayStage::note_output() {
    const Relay::Stage stage = relay_->stage();
    if (stage == Relay::Stage::ending || stage == Relay::Stage::closed) is_noting_ = false;
    if (!is_noting_) return;
    Bytes fresh = relay_->upstream_output();
    require(fresh.size() >= noted_bytes_, "output stays until it is sent");
    fresh = fresh.subspan(noted_bytes_);
    noted_bytes_ += fresh.size();
    for (;;) {
        const auto next = to_upstream_->next(fresh, wire::packet_size_max);
        if (next.status == wire::Framer::Status::need_more) break;
        require(next.status == wire::Framer::Status::frame, "the relay sends whole packets");
        require(is_readable(next.frame, version()), "the relay sends correct packets");
        note_frame(next.frame);
    }
}

void RelayStage::note_frame(Bytes frame) {
    const PacketType type = wire::type_of(frame);
    if (type == PacketType::publish) {
        const auto packet = wire::decode_publish(frame, version());
        if (packet->qos == QoS::at_most_once) return;
        const PacketId id = packet->packet_id;
        require(!requests_.contains(id), "the packet id of a message is not that of an open request");
        require(in_flight_.insert(id).second, "a message is sent once on a connection");
        require(in_flight_.size() <= receive_maximum_, "the Receive Maximum of the upstream holds [MQTT-3.3.4-7]");
    } else if (type == PacketType::pubrel) {
        const auto packet = wire::decode_ack(frame, version());
        if (packet->code == ReasonCode::success) released_.insert(packet->packet_id);
    } else if (type == PacketType::puback || type == PacketType::pubrec) {
        ++acks_to_upstream_;
        require(acks_to_upstream_ <= inner_.answers + excused_in(),
                "a message of the upstream is acknowledged only after the local broker has acknowledged it");
    } else if (type == PacketType::subscribe || type == PacketType::unsubscribe) {
        is_last_unsubscribe_ = type == PacketType::unsubscribe;
        const auto count_of = [&](const auto& packet) {
            last_request_ = packet->packet_id;
            last_filters_ = packet->entries.count();
        };
        is_last_unsubscribe_ ? count_of(wire::decode_unsubscribe(frame, version()))
                             : count_of(wire::decode_subscribe(frame, version()));
        require(!in_flight_.contains(last_request_) && !released_.contains(last_request_),
                "the packet id of a request is not that of an open message");
        require(requests_.insert(last_request_).second, "an open request has a packet id of its own");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The world

void RelayStage::device_publishes(unsigned kind) {
    if (published_.size() == published_max) return;
    published_.push_back(kind % 2 == 0 ? QoS::at_least_once : QoS::exactly_once);
    const std::string payload(kind % 5 == 4 ? 400 : 1 + kind % 5, static_cast<char>('a' + published_.size() % 26));
    inner_.queue(std::string(local_topics[kind / 2 % 4]), payload, published_.back());
}

void RelayStage::moves_inner() {
    for (int round = 0; round < 8 && inner_.is_open(); ++round) {
        const Bytes output = relay_->inner_output();
        const std::vector<Byte> bytes(output.begin(), output.end());
        relay_->inner_sent(bytes.size(), now_);
        inner_.on_bytes(bytes, rng_);
        if (relay_->wants_inner_close() || inner_.wants_close()) return loses_inner();
        inner_.step(rng_);
        inner_unread_ += inner_.output();
        inner_.output().clear();
        Bytes rest = as_bytes(inner_unread_);
        relay_->inner_bytes(rest, now_);
        inner_unread_ = std::string(as_text(rest));
        note_output();
        deliver();
    }
}

void RelayStage::waits(Duration by) {
    now_ += by;
    for (unsigned timers = 0; relay_->next_deadline() <= now_; ++timers) {
        require(timers < 100, "timers make progress");
        relay_->on_time(now_);
    }
    note_output();
}

void RelayStage::connects() {
    if (!relay_->is_closed()) return;
    version_ = upstream_->dialect().version;
    begin_connection();
    relay_->upstream_opened(now_);
    note_output();
}

void RelayStage::begin_connection() {
    is_open_ = is_noting_ = true;
    from_upstream_.emplace();
    to_upstream_.emplace();
    receive_maximum_ = 65'535;
}

void RelayStage::end_connection() {
    is_open_ = is_noting_ = is_broken_ = has_connack_ = false;
    from_upstream_.reset();
    to_upstream_.reset();
    unread_.clear();
    unread_bytes_ = noted_bytes_ = 0;
    in_flight_.clear();
    released_.clear();
    requests_.clear();
    answered_.clear();
    last_request_ = 0;
}

void RelayStage::loses_upstream(Relay::Closed how) {
    if (!is_open_) return;
    is_open_ = is_noting_ = false;
    relay_->upstream_closed(how, now_);
}

void RelayStage::loses_inner() {
    if (!inner_.is_open()) return;
    inner_.closed();
    inner_unread_.clear();
    relay_->inner_closed(now_);
    note_output();
}

void RelayStage::stops() {
    relay_->stop(now_);
    note_output();
}

void RelayStage::settles() {
    check_finished();
    const Relay::Stage stage = relay_->stage();
    if (stage == Relay::Stage::subscribing || stage == Relay::Stage::relaying) inner_.quirks.forgets = 0;
    if (relay_->wants_inner()) {
        inner_.opened();
        relay_->inner_opened(now_);
    }
    if (is_open_ && relay_->wants_upstream_close()) loses_upstream(Relay::Closed::lost);
    if (relay_->wants_inner_close()) loses_inner();
    if (relay_->is_closed() && from_upstream_) end_connection();
    std::size_t events = 0;
    while (relay_->take_event()) require(++events <= 256, "events that nobody takes are bounded");
    require(relay_->upstream_output().size() <= output_bytes_max, "the output to the upstream is bounded");
    require(relay_->inner_output().size() <= output_bytes_max, "the output to the local broker is bounded");
    for (const std::string& complaint : inner_.complaints) require(false, complaint.c_str());
}

std::uint64_t RelayStage::excused_out() const {
    const bridge::RelayCounters& counters = relay_->counters();
    return excused_out_before_ + counters.set_aside + counters.dropped;
}

std::uint64_t RelayStage::excused_in() const {
    const bridge::RelayCounters& counters = relay_->counters();
    return excused_in_before_ + counters.no_route + counters.loops + counters.echoes + counters.dropped;
}

void RelayStage::check_finished() {
    for (; finished_seen_ < inner_.finished.size(); ++finished_seen_) {
        const PacketId id = inner_.finished[finished_seen_];
        if (!answered_.contains(id) && !received_.contains(id)) ++unanswered_finished_;
    }
    require(is_capped_ || unanswered_finished_ <= excused_out(),
            "a message is acknowledged to the local broker only after the upstream has acknowledged it");
}

}  // namespace ledge::fuzz
