#include "subscriber.hpp"

namespace ledge::crash {
namespace {

constexpr std::size_t slow_answers_per_step = 2;
constexpr std::uint64_t away_ms_max = 30;
constexpr std::uint64_t there_ms_max = 60;
constexpr std::uint64_t birth_ms_max = 600;  // each of both moments

}  // namespace

Subscriber::Subscriber(Stage& stage, ClientOptions options, Habit habit, std::vector<FilterWish> filters,
                       std::map<StreamId, QoS> granted, Account& account)
    : Client(stage, std::move(options)),
      habit_(habit),
      filters_(std::move(filters)),
      granted_(std::move(granted)),
      account_(account) {
    begin_round();
}

void Subscriber::begin_round() {
    if (habit_ != Habit::newborn) return;
    is_reborn_ = false;
    turns_at_ = soon(birth_ms_max);
}

bool Subscriber::wants_connection() const {
    if (stage_.is_draining()) return true;
    switch (habit_) {
        case Habit::offline: return !is_subscribed_;
        case Habit::flapping: return !is_subscribed_ || !is_in_offline_list_ || stage_.now >= turns_at_;
        case Habit::newborn: return !is_to_be_born_ || stage_.now >= turns_at_;
        case Habit::online:
        case Habit::slow: return true;
    }
    return true;
}

void Subscriber::on_connected(bool session_present) {
    if (is_to_be_born_) session_is_given_up();
    if (is_to_be_born_ || !session_present) is_booked_ = false;
    is_to_be_born_ = false;
    is_in_offline_list_ = false;
    if (habit_ == Habit::flapping) turns_at_ = soon(there_ms_max);
    fences_ = 0;
    if (!session_present) {
        held_.clear();
        is_subscribed_ = false;
    }
    if (!is_subscribed_) send_subscribe();
}

void Subscriber::send_subscribe() {
    if (!is_booked_) {
        for (const auto& [stream, qos] : granted_) ledger().subscribing(account_, stream, qos);
    }
    is_booked_ = true;
    std::vector<wire::SubscribeEntry> entries;
    for (const FilterWish& wish : filters_) entries.push_back({wish.filter, {.qos = wish.qos}});
    subscribe(entries);
}

void Subscriber::on_suback(const wire::Suback& packet) {
    for (std::size_t i = 0; i < filters_.size(); ++i) {
        if (packet.codes[i] == static_cast<Byte>(filters_[i].qos)) continue;
        return drop();  // refused, as a broker without room does: once more, later
    }
    ++stage_.progress;
    is_subscribed_ = true;
    session_is_kept();
    for (const auto& [stream, qos] : granted_) ledger().subscribed(account_, stream);
}

void Subscriber::on_message(const wire::Publish& packet) {
    ++stage_.progress;
    const Arrival arrival = read_payload(packet.payload);
    const bool is_known = arrival.sequence != 0 && arrival.stream < ledger().stream_count();
    if (!is_known || ledger().stream(arrival.stream).topic != packet.topic) {
        ledger().broken(Count::damaged, name() + ": a wrong payload under " + std::string(packet.topic));
    } else {
        const bool is_new = packet.qos != QoS::exactly_once || is_new_qos2(packet.packet_id, arrival);
        ledger().arrived(account_, arrival, packet.qos, is_new);
    }
    if (packet.qos == QoS::at_least_once) answer(wire::PacketType::puback, packet.packet_id);
    if (packet.qos == QoS::exactly_once) answer(wire::PacketType::pubrec, packet.packet_id);
}

// [MQTT-4.3.3-10] Until PUBREL the same packet id is the same message.
bool Subscriber::is_new_qos2(wire::PacketId id, const Arrival& arrival) {
    const auto [place, is_new] = held_.try_emplace(id, arrival);
    if (!is_new && place->second != arrival) {
        ledger().broken(Count::packet_id_reused, name() + ": packet id " + std::to_string(id) + " for " +
                                                     ledger().stream(arrival.stream).topic + " #" +
                                                     std::to_string(arrival.sequence) + " while it held #" +
                                                     std::to_string(place->second.sequence));
    }
    return is_new;
}

void Subscriber::on_ack(const wire::Ack& ack) {
    if (ack.type != wire::PacketType::pubrel) return unexpected(wire::name_of(ack.type));
    ++stage_.progress;
    held_.erase(ack.packet_id);
    answer(wire::PacketType::pubcomp, ack.packet_id);
}

void Subscriber::answer(wire::PacketType type, wire::PacketId id) {
    if (habit_ == Habit::slow && !stage_.is_draining()) {
        waiting_.push_back({type, id});
    } else {
        acknowledge(type, id);
    }
}

void Subscriber::on_tick() {
    std::size_t answers = stage_.is_draining() ? waiting_.size() : slow_answers_per_step;
    for (; answers > 0 && !waiting_.empty(); --answers) {
        acknowledge(waiting_.front().type, waiting_.front().packet_id);
        waiting_.pop_front();
    }
    if (is_subscribed_ && !stage_.is_draining()) {
        if (habit_ == Habit::offline) return disconnect();
        if (habit_ == Habit::flapping) come_and_go();
        if (habit_ == Habit::newborn) end_session();
    }
    // The broker has answered all that came before: nothing more is on its way.
    const bool is_done = stage_.is_draining() && held_.empty() && ledger().is_complete(account_);
    if (is_done && fences_ < 2 && fences_ == pongs()) {
        ++fences_;
        send_ping();
    }
}

void Subscriber::come_and_go() {
    if (stage_.now < turns_at_) return;
    is_in_offline_list_ = true;
    turns_at_ = soon(away_ms_max);
    if (stage_.rng.one_in(2)) return disconnect();
    drop();
}

// The session is left with what is in flight and queued; the clean start comes later, perhaps to another broker.
void Subscriber::end_session() {
    if (is_reborn_ || stage_.now < turns_at_) return;
    is_reborn_ = is_to_be_born_ = true;
    is_subscribed_ = false;
    turns_at_ = soon(birth_ms_max);
    drop();
}

bool Subscriber::is_settled() const {
    return is_connected() && is_subscribed_ && held_.empty() && pongs() >= 2 && stage_.ledger.is_complete(account_);
}

std::string Subscriber::unsettled() const {
    if (!is_connected()) return name() + ": not connected";
    if (!is_subscribed_) return name() + ": no SUBACK";
    if (held_.empty()) return {};
    return name() + ": " + std::to_string(held_.size()) + " PUBREL awaited, the first for packet id " +
           std::to_string(held_.begin()->first);
}

}  // namespace ledge::crash
