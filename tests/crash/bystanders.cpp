#include "bystanders.hpp"

namespace ledge::crash {
namespace {

constexpr std::string_view retained_filter = "retained/#";
constexpr std::string_view will_filter = "wills/#";
constexpr std::string_view pulse_topic = "pulse";
constexpr Sequence will_clears_every = 5;
constexpr auto pulse_interval = 5ms;
constexpr std::uint64_t armed_ms_max = 400;

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// RetainedReader

RetainedReader::RetainedReader(Stage& stage, std::string name, std::vector<StreamId> streams)
    : Client(stage, {.client_id = std::move(name), .is_persistent = false}) {
    for (const StreamId id : streams) streams_.emplace(stage.ledger.stream(id).topic, id);
}

void RetainedReader::on_connected(bool) {
    seen_.clear();
    has_pinged_ = false;
    for (const auto& [topic, id] : streams_) floor_[id] = ledger().certain_prefix(id);
    subscribe({{retained_filter, {.qos = QoS::at_least_once}}});
}

void RetainedReader::on_message(const wire::Publish& packet) {
    if (packet.qos == QoS::at_least_once) acknowledge(wire::PacketType::puback, packet.packet_id);
    if (!packet.retain) return;  // an update, not what was retained
    const auto found = streams_.find(packet.topic);
    const Arrival arrival = read_payload(packet.payload);
    if (found == streams_.end() || arrival.sequence == 0 || arrival.stream != found->second) {
        return ledger().broken(Count::damaged, name() + ": a wrong payload under " + std::string(packet.topic));
    }
    ++stage_.progress;
    seen_.insert(arrival.stream);
    const Sequence floor = floor_[arrival.stream];
    if (arrival.sequence >= floor) return;
    ledger().broken(Count::stale_retained, found->first + ": #" + std::to_string(arrival.sequence) + ", but #" +
                                               std::to_string(floor) + " was acknowledged; cycle " +
                                               std::to_string(ledger().cycle));
}

void RetainedReader::on_tick() {
    if (stage_.phase != Phase::reading || has_pinged_) return;
    has_pinged_ = true;
    send_ping();
}

bool RetainedReader::expects_value(StreamId stream) const {
    const Sequence last = stage_.ledger.finished_prefix(stream);
    return last != 0 && last == stage_.ledger.certain_prefix(stream) && last % will_clears_every != 0;
}

bool RetainedReader::is_settled() const {
    if (stage_.phase != Phase::reading) return is_connected();
    if (pongs() == 0) return false;
    for (const auto& [topic, id] : streams_) {
        if (expects_value(id) && !seen_.contains(id)) return false;
    }
    return true;
}

std::string RetainedReader::unsettled() const { return is_connected() ? std::string() : name() + ": not connected"; }

void RetainedReader::close_books() {
    for (const auto& [topic, id] : streams_) {
        if (expects_value(id) && !seen_.contains(id)) ledger().broken(Count::retained_missing, topic);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Wills

WillOwner::WillOwner(Stage& stage, std::string name, QoS qos)
    : Client(stage, {.client_id = name}), topic_("wills/" + name), qos_(qos) {}

void WillOwner::begin_round() {
    armed_cycle_ = 0;
    owed_round_ = 0;
    if (has_socket()) drop();
}

void WillOwner::add_to_connect(client::Options& options) {
    options.will = client::WillOptions{topic_, std::to_string(stage_.round), qos_, false, {}};
}

// A CONNACK with session present says that the session, its will included, is stored.
void WillOwner::on_connected(bool session_present) {
    armed_cycle_ = ledger().cycle;
    if (session_present) {
        owed_round_ = stage_.round;
        ledger().count(Count::wills);
    }
    vanishes_at_ = stage_.now + std::chrono::milliseconds(stage_.rng.below(armed_ms_max));
}

void WillOwner::on_tick() {
    if (stage_.now >= vanishes_at_ || stage_.is_draining()) drop();
}

WillReader::WillReader(Stage& stage, std::string name, std::vector<const WillOwner*> owners)
    : Client(stage, {.client_id = std::move(name)}), owners_(std::move(owners)) {}

void WillReader::on_connected(bool session_present) {
    if (session_present && is_subscribed_) return;
    is_subscribed_ = false;
    subscribe({{will_filter, {.qos = QoS::exactly_once}}});
}

void WillReader::on_suback(const wire::Suback&) {
    is_subscribed_ = true;
    session_is_kept();
}

void WillReader::on_ack(const wire::Ack& ack) {
    if (ack.type == wire::PacketType::pubrel) acknowledge(wire::PacketType::pubcomp, ack.packet_id);
}

void WillReader::on_message(const wire::Publish& packet) {
    ++stage_.progress;
    latest_[std::string(packet.topic)] =
        static_cast<std::uint32_t>(std::strtoul(std::string(as_text(packet.payload)).c_str(), nullptr, 10));
    if (packet.qos == QoS::at_least_once) acknowledge(wire::PacketType::puback, packet.packet_id);
    if (packet.qos == QoS::exactly_once) acknowledge(wire::PacketType::pubrec, packet.packet_id);
}

const WillOwner* WillReader::first_missing() const {
    for (const WillOwner* const owner : owners_) {
        const auto found = latest_.find(owner->topic());
        const std::uint32_t latest = found == latest_.end() ? 0 : found->second;
        if (owner->owed_round() != 0 && latest != owner->owed_round()) return owner;
    }
    return nullptr;
}

std::string WillReader::unsettled() const { return is_connected() ? std::string() : name() + ": not connected"; }

void WillReader::close_books() {
    const WillOwner* const missing = first_missing();
    if (missing != nullptr) ledger().broken(Count::wills_lost, missing->topic());
}

// ---------------------------------------------------------------------------------------------------------------------
// Pulse

Pulse::Pulse(Stage& stage, std::string name) : Client(stage, {.client_id = std::move(name), .is_persistent = false}) {}

void Pulse::on_connected(bool) { subscribe({{pulse_topic, {.qos = QoS::at_most_once}}}); }

void Pulse::on_tick() {
    if (stage_.now < next_) return;
    next_ = stage_.now + pulse_interval;
    wire::Publish packet;
    packet.topic = pulse_topic;
    publish(packet);
}

}  // namespace ledge::crash
