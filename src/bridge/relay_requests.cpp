// What a relay does between the two CONNACKs and the first message: washing packet ids, and subscribing.
//
// SUBSCRIBE and PUBLISH of one direction share the packet ids, and the ids of PUBLISH come from the other
// broker. So that they never meet: requests go out one at a time, the inner ones before the upstream is read; the id of
// a request is none that a message of QoS 2 may still have; and a message that brings the id of a request waits for its
// answer. The brokers count ids up, so the id of a request is taken from the far side of the circle.
#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/relay.hpp"

namespace ledge::bridge {

using wire::PacketId;
using wire::QoS;
using wire::ReasonCode;

namespace {

constexpr std::size_t inner_batch = 50;     // filters in one SUBSCRIBE to the local broker
constexpr std::uint32_t washing_max = 500;  // PUBREL packets without an answer
constexpr std::uint32_t ids = 65'535;       // packet ids are 1 to 65,535

/// The n-th id after the one opposite of `last` on the circle of ids.
PacketId far_from(PacketId last, std::uint32_t n) { return static_cast<PacketId>((last + ids / 2 + n) % ids + 1); }

}  // namespace

bool Relay::may_use_qos2(bool is_out) const {
    const bool has_route = std::any_of(options_.routes.begin(), options_.routes.end(), [&](const Route& route) {
        return route.qos == QoS::exactly_once && (is_out ? route.goes_out() : route.comes_in());
    });
    return has_route && (!is_out || maximum_qos_out() == QoS::exactly_once);
}

// ---------------------------------------------------------------------------------------------------------------------
// Washing. The upstream has lost its session and will use its packet ids anew. The local broker may remember some of
// them from messages of QoS 2 that were never released, and would take new messages for repetitions. A PUBREL for each
// such id makes it forget; for an unknown id it answers PUBCOMP 0x92, which does no harm.

void Relay::begin_washing(Instant now) {
    wash_next_ = 1;
    enter(Stage::washing, now);
    continue_washing(now);
}

void Relay::continue_washing(Instant now) {
    washed_at_ = now;
    for (; wash_next_ != 0 && washing_.size() < washing_max; wash_next_ = wash_next_ == ids ? 0 : wash_next_ + 1) {
        const auto id = static_cast<PacketId>(wash_next_);
        if (is_open_in_known_ && !open_in_.contains(id)) continue;
        in_.send_ack({wire::PacketType::pubrel, id, ReasonCode::success, {}});
        washing_.insert(id);
    }
    if (wash_next_ != 0 || washing_.size() != 0) return;
    open_in_.clear();
    is_open_in_known_ = true;
    is_wash_owed_ = false;
    queue_requests();
    enter(Stage::subscribing, now);
    next_request(now);
}

// ---------------------------------------------------------------------------------------------------------------------
// Requests

/// All filters are subscribed to after every CONNACK, whatever "session present" says: ActiveMQ says 0 wrongly, and
/// RabbitMQ says 1 although filters of QoS 0 are gone.
void Relay::queue_requests() {
    LEDGE_ASSERT(requests_.empty() && !request_);
    refused_filters_.clear();
    std::vector<Subscription> local = routes_.local_subscriptions(options_.local_filters);
    for (Subscription& one : local) one.qos = std::min(one.qos, maximum_qos_out());
    if (!options_.only_empties) queue_subscriptions(true, local);
    if (!options_.carries_incoming) return;
    queue_subscriptions(false, routes_.remote_subscriptions(upstream_.profile().copies));
}

void Relay::queue_subscriptions(bool is_inner, const std::vector<Subscription>& all) {
    const std::size_t batch = is_inner ? inner_batch : upstream_.profile().filters_per_subscribe;
    LEDGE_ASSERT(batch > 0);
    for (std::size_t i = 0; i < all.size(); i += batch) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i);
        const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(i + batch, all.size()));
        requests_.push_back({is_inner, std::vector<Subscription>(begin, end)});
    }
}

void Relay::next_request(Instant now) {
    while (stage_ == Stage::subscribing && !request_ && !requests_.empty()) {
        const Request request = std::move(requests_.front());
        requests_.pop_front();
        send_request(request, now);
    }
    if (stage_ != Stage::subscribing || request_) return;
    enter(Stage::relaying, now);
    tell(RelayEvent::Kind::relaying);
    if (!options_.online_message) return;
    wire::Publish packet;
    packet.topic = options_.online_message->topic;
    packet.payload = as_bytes(options_.online_message->payload);
    packet.retain = options_.online_message->retain;
    if (!up_.publish(packet).ok()) tell(RelayEvent::Kind::dropped, packet.topic, ReasonCode::unspecified_error);
}

void Relay::send_request(const Request& request, Instant now) {
    client::Client& side = request.is_inner ? in_ : up_;
    const bool is_v5 = side.options().version == wire::Version::v5;
    // Retained messages come for new subscriptions. The upstream gets all of them when it has lost its own.
    const bool wants_all_retained = request.is_inner && (options_.republishes_retained || !has_upstream_session_);
    std::vector<wire::SubscribeEntry> entries;
    for (const Subscription& one : request.filters) {
        wire::SubscribeOptions options{.qos = one.qos};
        if (is_v5) {
            options.no_local = options.retain_as_published = true;
            const bool is_owed =
                request.is_inner && std::ranges::find(retained_owed_, one.filter) != retained_owed_.end();
            options.retain_handling =
                wants_all_retained || is_owed ? wire::RetainHandling::send : wire::RetainHandling::send_if_new;
        }
        entries.push_back({one.filter, options});
    }
    const PacketId id = request.is_inner ? free_inner_id() : free_upstream_id();
    const auto sent = side.subscribe(entries, {}, id);
    if (sent.ok()) {
        request_ = request;
        request_id_ = id;
        request_deadline_ = now + options_.suback_timeout;
        return;
    }
    const auto kind = request.is_inner ? RelayEvent::Kind::local_filter_refused : RelayEvent::Kind::filter_refused;
    for (const Subscription& one : request.filters)
        note_refused(kind, one.filter, sent.error(), "CONNACK does not allow it");
}

void Relay::on_request_done(const wire::Suback& packet, bool is_inner, Instant now) {
    if (!request_ || request_->is_inner != is_inner || packet.packet_id != request_id_) return;
    if (!is_inner) tell_proven();
    const Request done = std::move(*request_);
    request_.reset();
    LEDGE_ASSERT(packet.codes.size() == done.filters.size());  // the client has checked it
    for (std::size_t i = 0; i < done.filters.size(); ++i) {
        const auto code = static_cast<ReasonCode>(packet.codes[i]);
        if (!is_inner)
            on_upstream_grant(done.filters[i], code);
        else if (wire::is_error(code))
            note_refused(RelayEvent::Kind::local_filter_refused, done.filters[i].filter, code);
        else
            std::erase(retained_owed_, done.filters[i].filter);
    }
    next_request(now);
}

void Relay::on_upstream_grant(const Subscription& asked, ReasonCode code) {
    if (wire::is_error(code)) {
        const bool may_fall_back = options_.falls_back_to_qos0 && asked.qos != QoS::at_most_once;
        if (!may_fall_back) return note_refused(RelayEvent::Kind::filter_refused, asked.filter, code);
        tell(RelayEvent::Kind::filter_refused, asked.filter, code, "asked again with QoS 0");
        requests_.push_back({false, {{asked.filter, QoS::at_most_once}}});
        return;
    }
    const auto granted = static_cast<QoS>(static_cast<std::uint8_t>(code) & 3U);
    if (granted >= asked.qos) return;
    tell(RelayEvent::Kind::filter_lowered, asked.filter, code);
    if (upstream_.on_granted(asked.qos, granted)) tell(RelayEvent::Kind::qos_lowered);
}

void Relay::note_refused(RelayEvent::Kind kind, const std::string& filter, ReasonCode code, std::string_view text) {
    refused_filters_.push_back(filter);
    tell(kind, filter, code, text);
}

PacketId Relay::free_upstream_id() const {
    for (std::uint32_t n = 0; n < ids; ++n) {
        const PacketId id = far_from(last_out_id_, n);
        if (!open_out_.contains(id) && !out_.contains(id)) return id;
    }
    return 0;  // the client then looks for one itself, and finds none
}

PacketId Relay::free_inner_id() const {
    const auto is_own = [&](PacketId id) {
        if (request_ && request_->is_inner && request_id_ == id) return true;
        return std::any_of(own_messages_.begin(), own_messages_.end(),
                           [&](const OwnMessage& one) { return one.id == id; });
    };
    for (std::uint32_t n = 0; n < ids; ++n) {
        const PacketId id = far_from(last_in_id_, n);
        if (!open_in_.contains(id) && !incoming_.contains(id) && !is_own(id)) return id;
    }
    return 0;
}

}  // namespace ledge::bridge
