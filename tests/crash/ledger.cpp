#include "ledger.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::crash {
namespace {

constexpr std::size_t findings_max = 40;
constexpr std::size_t payload_head = 8;

constexpr std::array<std::string_view, counts> count_names = {
    "issued",     "accepted",        "refused",          "delivered",     "repeated",          "wills",
    "lost",       "duplicated_qos2", "out_of_order",     "sessions_lost", "stale_retained",    "retained_missing",
    "wills_lost", "resurrected",     "packet_id_reused", "damaged",       "acks_out_of_order", "stuck",
};

void put32(std::vector<Byte>& out, std::uint32_t value) {
    for (unsigned shift = 32; shift != 0;) out.push_back(static_cast<Byte>(value >> (shift -= 8U)));
}

std::uint32_t get32(Bytes from) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8U | from[i];
    return value;
}

std::uint32_t mix(const Arrival& arrival) {
    std::uint32_t h = arrival.stream * 0x9E3779B1U ^ arrival.sequence * 0x85EBCA77U;
    h ^= h >> 15U;
    h *= 0xC2B2AE3DU;
    return h ^ h >> 13U;
}

// Mostly small; now and then more than a page of the store, rarely many pages.
std::size_t pattern_size(std::uint32_t mixed) {
    if (mixed % 500 == 0) return 40'000 + mixed / 500 % 20'000;
    if (mixed % 40 == 0) return 2'000 + mixed / 40 % 3'000;
    return mixed / 7 % 180;
}

}  // namespace

std::string_view name_of(Count count) { return count_names[static_cast<std::size_t>(count)]; }

void fill_payload(const Arrival& arrival, std::vector<Byte>& payload) {
    payload.clear();
    put32(payload, arrival.stream);
    put32(payload, arrival.sequence);
    const std::uint32_t mixed = mix(arrival);
    const std::size_t size = pattern_size(mixed);
    for (std::size_t i = 0; i < size; ++i) payload.push_back(static_cast<Byte>(mixed + i * 7));
}

Arrival read_payload(Bytes payload) {
    if (payload.size() < payload_head) return {};
    const Arrival arrival{get32(payload), get32(payload.subspan(4))};
    const std::uint32_t mixed = mix(arrival);
    if (payload.size() != payload_head + pattern_size(mixed)) return {};
    for (std::size_t i = payload_head; i < payload.size(); ++i) {
        if (payload[i] != static_cast<Byte>(mixed + (i - payload_head) * 7)) return {};
    }
    return arrival;
}

// ---------------------------------------------------------------------------------------------------------------------
// Publishers

StreamId Ledger::add_stream(Stream stream) {
    Book book;
    book.facts = std::move(stream);
    streams_.push_back(std::move(book));
    return static_cast<StreamId>(streams_.size() - 1);
}

Ledger::Entry* Ledger::entry(StreamId stream, Sequence sequence) {
    LEDGE_ASSERT(stream < streams_.size());
    Book& book = streams_[stream];
    return sequence >= book.base && sequence < book.next ? &book.entries[sequence - book.base] : nullptr;
}

Sequence Ledger::issue(StreamId stream) {
    Book& book = streams_[stream];
    book.entries.emplace_back().issued_at = ++events_;
    count(Count::issued);
    return book.next++;
}

void Ledger::accept(StreamId stream, Sequence sequence) {
    Entry* const found = entry(stream, sequence);
    if (found == nullptr || found->is_accepted) return;
    found->state = State::accepted;
    found->is_accepted = true;
    found->cycle = cycle;
    found->accepted_at = ++events_;
    const Stream& facts = streams_[stream].facts;
    if (facts.level == Level::durable && facts.qos == QoS::exactly_once) fence_ = std::max(fence_, found->issued_at);
    count(Count::accepted);
}

// Refused when it came again, it may have been taken when it came first: then it has changed what is retained.
void Ledger::refuse(StreamId stream, Sequence sequence, bool is_repeated) {
    Entry* const found = entry(stream, sequence);
    if (found != nullptr) {
        found->state = is_repeated ? State::finished : State::refused;
        found->is_excused |= is_repeated;
    }
    count(Count::refused);
    advance_prefix(streams_[stream]);
}

void Ledger::finish(StreamId stream, Sequence sequence) {
    Entry* const found = entry(stream, sequence);
    if (found != nullptr) found->state = State::finished;
    advance_prefix(streams_[stream]);
}

void Ledger::advance_prefix(Book& book) {
    Sequence at = std::max(book.finished_prefix + 1, book.base);
    for (; at < book.next; ++at) {
        const Entry& next = book.entries[at - book.base];
        if (next.state == State::refused) continue;  // an update that was refused changes nothing: not the prefix
        if (next.state != State::finished) break;
        book.finished_prefix = at;
        if (!next.is_excused) book.certain_prefix = at;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Levels

void Ledger::broker_ended(bool in_order) {
    for (Book& book : streams_) {
        if (book.facts.level == Level::durable) continue;
        for (Entry& entry : book.entries) entry.is_excused |= may_be_lost(book.facts, entry, in_order);
        book.certain_prefix = 0;
        for (Sequence at = book.base; at <= book.finished_prefix; ++at) {
            const Entry& entry = book.entries[at - book.base];
            if (entry.state == State::finished && !entry.is_excused) book.certain_prefix = at;
        }
    }
}

// With `ram` also a QoS 2 message that is still to be accepted: the broker keeps its packet id but not the message, and
// takes what the publisher sends again for a repetition.
bool Ledger::may_be_lost(const Stream& facts, const Entry& entry, bool in_order) const {
    if (facts.level == Level::ram) return entry.is_accepted || facts.qos == QoS::exactly_once;
    return !in_order && entry.is_accepted && entry.accepted_at > fence_;
}

// ---------------------------------------------------------------------------------------------------------------------
// Subscribers

void Ledger::subscribing(Account& account, StreamId stream, QoS granted) {
    Account::PerStream& part = account.at(stream);
    const Book& book = streams_[stream];
    const bool is_joined = !account.is_ordered_ && part.is_subscribed;  // by one more member of a group
    part.is_subscribed = true;
    part.granted = granted;
    part.owed_from = 0;
    part.highest_first = 0;
    part.has_arrived.clear();
    if (is_joined) return;  // what waits for the other members is of no older session
    // What is still on its way to the broker may reach the new subscription.
    part.allowed_from = book.next;
    for (Sequence at = book.base; at < book.next; ++at) {
        const State state = book.entries[at - book.base].state;
        if (state == State::finished || state == State::refused) continue;
        part.allowed_from = at;
        break;
    }
}

void Ledger::subscribed(Account& account, StreamId stream) {
    Account::PerStream& part = account.at(stream);
    if (part.owed_from == 0) part.owed_from = streams_[stream].next;
}

std::string Ledger::where(const Account& account, const Arrival& arrival) const {
    const Book& book = streams_[arrival.stream];
    std::string text = account.name_ + ": " + book.facts.topic + " QoS " + std::to_string(int(book.facts.qos)) + " #" +
                       std::to_string(arrival.sequence);
    if (arrival.sequence >= book.base && arrival.sequence < book.next) {
        const Entry& found = book.entries[arrival.sequence - book.base];
        if (found.is_accepted) text += ", acknowledged in cycle " + std::to_string(found.cycle);
    }
    return text + ", now cycle " + std::to_string(cycle);
}

void Ledger::arrived(Account& account, const Arrival& arrival, QoS qos, bool is_new) {
    Account::PerStream& part = account.at(arrival.stream);
    const Book& book = streams_[arrival.stream];
    if (arrival.sequence >= book.next) return broken(Count::damaged, where(account, arrival) + ": nobody sent it");
    if (!part.is_subscribed) return broken(Count::damaged, where(account, arrival) + ": not subscribed");
    if (qos != std::min(part.granted, book.facts.qos)) {
        broken(Count::damaged, where(account, arrival) + ": arrived with QoS " + std::to_string(int(qos)));
    }
    if (arrival.sequence < part.allowed_from) return broken(Count::resurrected, where(account, arrival));
    if (!is_new) return;
    if (part.has_arrived.size() <= arrival.sequence) part.has_arrived.resize(arrival.sequence + 1);
    if (part.has_arrived[arrival.sequence])
        return qos == QoS::exactly_once ? broken(Count::duplicated_qos2, where(account, arrival))
                                        : count(Count::repeated);
    part.has_arrived[arrival.sequence] = true;
    count(Count::delivered);
    if (account.is_ordered_ && arrival.sequence < part.highest_first) {
        broken(Count::out_of_order, where(account, arrival) + ", after #" + std::to_string(part.highest_first));
    }
    part.highest_first = std::max(part.highest_first, arrival.sequence);
}

bool Ledger::is_complete(const Account& account) const {
    for (std::size_t s = 0; s < account.streams_.size(); ++s) {
        const Account::PerStream& part = account.streams_[s];
        const Book& book = streams_[s];
        if (!part.is_subscribed || part.owed_from == 0) continue;
        for (Sequence at = std::max(part.owed_from, book.base); at < book.next; ++at) {
            if (!part.has(at) && book.entries[at - book.base].is_owed()) return false;
        }
    }
    return true;
}

void Ledger::close_books(const Account& account) {
    for (StreamId s = 0; s < account.streams_.size(); ++s) {
        const Account::PerStream& part = account.streams_[s];
        const Book& book = streams_[s];
        if (!part.is_subscribed || part.owed_from == 0) continue;
        for (Sequence at = std::max(part.owed_from, book.base); at < book.next; ++at) {
            if (!part.has(at) && book.entries[at - book.base].is_owed()) broken(Count::lost, where(account, {s, at}));
        }
    }
}

void Ledger::next_round() {
    for (Book& book : streams_) {
        book.base = book.next;
        book.entries.clear();
    }
}

void Ledger::broken(Count what, std::string sentence) {
    count(what);
    if (findings_.size() < findings_max) findings_.push_back(std::string(name_of(what)) + ": " + std::move(sentence));
}

std::vector<std::string> Ledger::take_findings() { return std::exchange(findings_, {}); }

}  // namespace ledge::crash
