// What a crash leaves of the reference model, and what it must leave.
#include <algorithm>

#include "ledger.hpp"

namespace ledge::sim {

using journal::Durability;
using wire::PacketType;

namespace {

Duration return_time(std::uint16_t keep_alive_s) {
    if (keep_alive_s == 0) return 60s;
    return std::max<Duration>(10s, std::chrono::milliseconds(keep_alive_s * 1500));
}

std::string key_of(std::int32_t client, const std::string& what) {
    return (client < 0 ? std::string("retained ") : "c" + std::to_string(client) + " ") + what;
}

}  // namespace

Durability Ledger::level_of(const std::string& topic) const {
    if (!rules_.has_store) return Durability::ram;
    for (const auto& override : rules_.levels)
        if (is_match(override.filter, topic)) return override.level;
    return Durability::durable;
}

// ---- Promises

Ledger::Record Ledger::change(std::int32_t client, const std::string& what) {
    Event changed = event(Kind::changed, client);
    changed.text = key_of(client, what);
    changed.number = numbers_[changed.text] = ++changes_;
    Record record{changed.text, changed.number};
    emit_(std::move(changed));
    return record;
}

Ledger::Record Ledger::last_change_of(std::int32_t client, const std::string& what) const {
    const auto found = numbers_.find(key_of(client, what));
    return found == numbers_.end() ? Record{} : Record{found->first, found->second};
}

bool Ledger::is_known_to_store(std::int32_t client, const std::string& filter) const {
    if (taken_.seats.empty()) return false;
    const Seat& known = taken_.seats[static_cast<std::size_t>(client)];
    return known.exists && known.generation == seat(client).generation && known.subscriptions.contains(filter);
}

// A subscription made and removed again before any batch: the store never hears of it, and nobody waits for it.
void Ledger::take_back_change(std::int32_t client, const std::string& what) {
    const std::string key = key_of(client, what);
    for (auto& [asker, records] : asked_)
        std::erase_if(records, [&](const Record& record) { return record.key == key; });
    const auto taken = taken_.numbers.find(key);
    numbers_[key] = taken == taken_.numbers.end() ? 0 : taken->second;
}

void Ledger::promise(std::int32_t client, const Record& record) {
    if (record.number == 0) return;
    Event promised = event(Kind::promised, client);
    promised.text = record.key;
    promised.number = record.number;
    emit_(std::move(promised));
}

void Ledger::note_received(std::int32_t client, wire::PacketId id, const std::string& topic) {
    if (level_of(topic) != Durability::durable)
        seat(client).unwritten_received.insert(id);
    else
        change(client, "id " + std::to_string(id));
}

void Ledger::note_made(const Event& publication, std::int32_t client, wire::PacketId id) {
    latest_made_.push_back({publication.label, client, id, ++made_, level_of(publication.text), false, {}});
}

// Also what its publisher has sent of it before.
void Ledger::on_acknowledged(std::int32_t client, wire::PacketId id) {
    const auto is_meant = [&](const Made& made) { return made.client == client && made.packet_id == id; };
    const auto last = std::find_if(latest_made_.rbegin(), latest_made_.rend(), is_meant);
    if (last == latest_made_.rend()) return;
    if (last->level == Durability::durable) promise(-1, last->retained);
    const std::uint32_t uid = last->label.uid;
    for (Made& made : latest_made_) made.is_acknowledged = made.is_acknowledged || made.label.uid == uid;
}

void Ledger::on_answer(const Event& answer) {
    if (answer.client < 0 || wire::is_error(answer.code)) return;
    const Seat& mine = seat(answer.client);
    const bool is_ack = answer.type == PacketType::puback || answer.type == PacketType::pubrec;
    if (is_ack) on_acknowledged(answer.client, answer.packet_id);
    if (mine.link != answer.link || !mine.is_stored) return;
    if (answer.type == PacketType::suback || answer.type == PacketType::unsuback) {
        for (const Record& record : asked_[{answer.client, answer.packet_id}]) promise(answer.client, record);
    }
    const bool is_of_id = answer.type == PacketType::pubrec || answer.type == PacketType::pubcomp;
    if (is_of_id && !mine.unwritten_received.contains(answer.packet_id))
        promise(answer.client, last_change_of(answer.client, (answer.type == PacketType::pubrec ? "id " : "free ") +
                                                                 std::to_string(answer.packet_id)));
}

// ---- The store

void Ledger::on_taken(Instant now) {
    for (Seat& any : seats_) any.unwritten_received.clear();
    taken_ = {seats_, wills_, retained_, made_, numbers_, now};
    emit_(event(Kind::taken, -1));
}

void Ledger::on_stored() {
    stored_ = taken_;
    std::erase_if(latest_made_,
                  [&](const Made& made) { return made.number <= stored_.made && made.level != Durability::ram; });
    emit_(event(Kind::stored, -1));
}

void Ledger::on_store_failed() {
    is_store_failed_ = true;
    emit_(event(Kind::store_failed, -1));
}

void Ledger::on_restart(Instant now) {
    emit_(event(Kind::restarted, -1));
    is_store_failed_ = false;
    asked_.clear();
    if (!rules_.has_store) return forget_everything(now);
    const State before{seats_, wills_, {}, 0, {}, now};
    take_back_publications();
    seats_ = stored_.seats;
    wills_ = stored_.wills;
    retained_ = stored_.retained;
    numbers_ = stored_.numbers;
    taken_ = stored_;
    for (std::size_t i = 0; i < seats_.size(); ++i) restore_seat(static_cast<std::int32_t>(i), before.seats[i], now);
    take_back_wills(before, now);
    on_time(now);
}

void Ledger::forget_everything(Instant now) {
    for (PendingWill& pending : wills_) {
        if (!pending.is_due) cancel_will(pending.will, pending.client);
    }
    wills_.clear();
    retained_.clear();
    latest_made_.clear();
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        const auto client = static_cast<std::int32_t>(i);
        if (seats_[i].will) cancel_will(*seats_[i].will, client);
        seats_[i].will.reset();
        seats_[i].link = -1;
        end(client, "restart");
    }
    on_time(now);
}

// What was not acknowledged its publisher sends again, if it can. What was acknowledged, but not written because all
// who were to get it had acknowledged it, has arrived: it stays owed.
void Ledger::take_back_publications() {
    for (const Made& made : latest_made_) {
        if (made.is_acknowledged && made.level == Durability::durable) continue;
        Event lost = event(Kind::lost, -1);
        lost.label = made.label;
        // Its publisher may send it again: its packet id is in no commit, at whatever level.
        lost.flag = made.number > stored_.made && made.client >= 0 && seat(made.client).is_stored;
        emit_(std::move(lost));
    }
    latest_made_.clear();
}

// Everybody who was connected has lost the connection just now.
void Ledger::restore_seat(std::int32_t client, const Seat& before, Instant now) {
    Seat& mine = seat(client);
    if (mine.will && is_will_kept_alone(mine)) defer_will(client, now);
    mine.exists = mine.exists && mine.is_stored;
    mine.is_kept = false;
    mine.link = -1;
    if (before.exists && (!mine.exists || mine.generation != before.generation)) {
        Event ended = event(Kind::session_ended, client);
        ended.number = before.generation;
        ended.flag = before.is_stored;
        ended.text = "crash";
        emit_(std::move(ended));
    }
    if (!mine.exists) {
        forget_in_wills(client);
        mine.subscriptions.clear();
        mine.received.clear();
        mine.will.reset();
    }
    // Whether it has expired only the broker knows; it may count anew.
    const bool is_unsure = !mine.exists && mine.is_stored && mine.ends_until != never && mine.ends_until >= stored_.at;
    const Duration lifetime = mine.exists || is_unsure ? std::chrono::seconds(mine.expiry_s) : 0s;
    mine.ends_from = mine.exists ? std::min(mine.ends_from, now + lifetime) : never;
    mine.ends_until = now + lifetime + slack;
    if (!mine.exists) return;
    emit_(event(Kind::restored, client));
    // What was still owed for its subscriptions of retained messages comes now; how much that is the broker knows.
    for (const auto& [text, subscription] : mine.subscriptions)
        for (std::uint32_t i = 0; i < subscription.replays; ++i) replay(client, subscription, false, now);
}

// The will of a session that ends with its connection is in the store all the same, if somebody could have it later.
bool Ledger::is_will_kept_alone(const Seat& seat) const {
    return seat.link >= 0 && seat.expiry_s == 0 && seat.will->is_of_named_client &&
           level_of(seat.will->topic) != Durability::ram &&
           (seat.will->retain || seat.will->qos != wire::QoS::at_most_once);
}

// Its client has the time to come back in which the broker would have waited for it.
void Ledger::defer_will(std::int32_t client, Instant now) {
    const Seat& mine = seat(client);
    const Duration lifetime = std::chrono::seconds(mine.expiry_s);
    Duration span = return_time(mine.will->keep_alive_s);
    if (mine.expiry_s != 0)
        span = std::min(std::max<Duration>(span, std::chrono::seconds(mine.will->delay_s)), lifetime);
    schedule_will(client, span, now);
    wills_.back().is_deferred = true;
    wills_.back().is_alone = mine.expiry_s == 0;
}

void Ledger::take_back_wills(const State& before, Instant now) {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        const auto client = static_cast<std::int32_t>(i);
        Seat& mine = seats_[i];
        if (mine.will && mine.exists && mine.expiry_s != 0) defer_will(client, now);
        mine.will.reset();
    }
    for (PendingWill& pending : wills_) {
        pending.latest =
            std::max(pending.latest, now + std::max(pending.span, return_time(pending.will.keep_alive_s)) + slack);
        pending.is_deferred = true;
        if (pending.is_due && level_of(pending.will.topic) == Durability::ram) pending.owed.clear();
    }
    const auto is_kept = [&](const Will& will) {
        return std::ranges::any_of(wills_,
                                   [&](const PendingWill& any) { return any.will.label.uid == will.label.uid; });
    };
    for (const PendingWill& pending : before.wills)
        if (!pending.is_due && !is_kept(pending.will)) cancel_will(pending.will, pending.client);
    for (std::size_t i = 0; i < before.seats.size(); ++i) {
        const auto& will = before.seats[i].will;
        if (will && !is_kept(*will)) cancel_will(*will, static_cast<std::int32_t>(i));
    }
}

}  // namespace ledge::sim
