// Retained: stores, loads and expires retained messages. The topic tree gives each topic a number, which is the index
// of its Message.
#include "retained.hpp"

#include <algorithm>
#include <utility>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/durability.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/publication_source.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/system_topics.hpp"

namespace ledge::broker {

using journal::RecordKind;
using journal::Urgency;

namespace {

bool is_own(std::string_view topic) { return session::belongs_to_broker(topic); }

// No acknowledgement waits for the record of a QoS 0 or relaxed publication, so that record is lazy. All others are
// paced: no subscriber can make them unnecessary, and a record that is alone in its commit costs the flash ten times as
// much as one among others.
Urgency urgency_of(journal::Durability level, wire::QoS qos) {
    return level == journal::Durability::durable && qos != wire::QoS::at_most_once ? Urgency::paced : Urgency::lazy;
}

}  // namespace

Ticket Retained::store(const journal::Publication& kept, const journal::PublicationView& publication,
                       journal::Durability level) {
    const auto known = topics_.find(publication.topic);
    // [MQTT-3.3.1-6] [MQTT-3.3.1-7] An empty payload removes the message and is not retained itself.
    if (publication.payload.empty()) {
        if (known) return remove(*known, urgency_of(level, publication.qos));
        return services_.journal.last();  // an earlier removal of this topic may not be durable yet
    }
    const topic::TopicId topic = known ? *known : topics_.insert(publication.topic).id;
    Message& message = at(topic);
    // Compared before the message is replaced below.
    const bool is_repeated = known && is_same(message, publication);
    // The number belongs to the topic: it keeps its position when its message is replaced.
    if (!known) {
        message.number = services_.journal.new_number();
        note_arrival(message.number, topic);
    }
    account(publication.topic, message.bytes, publication.bytes());
    discharge(message);
    message.publication = kept;
    // A feed sends only messages that were stored before its subscription; this number tells the two apart.
    message.stored_as = services_.journal.new_number();
    message.expires_at = publication.expires_at;
    message.bytes = static_cast<std::uint32_t>(publication.bytes());
    if (publication.expires_at != never) has_expiring_ = true;
    // $SYS topics are published anew after each start, so they need no record.
    if (is_own(publication.topic)) return no_ticket;
    if (level != journal::Durability::ram || message.has_record) charge(message);
    // The record in the store, or the pending one, has the same content: nothing is written.
    if (is_repeated && message.has_record) return message.ticket;
    return put_record(message, level, publication.qos);
}

// Counts the bytes in the store for the client whose packet is being processed.
void Retained::charge(Message& message) {
    if (!services_.journal.is_enabled()) return;
    // The owner is kept, because the bytes must be given back to the same account later.
    message.owner = services_.accounts.store(services_.journal.cause(), message.bytes);
    message.is_charged = true;
}

void Retained::discharge(Message& message) {
    if (std::exchange(message.is_charged, false)) services_.accounts.unstore(message.owner, message.bytes);
}

// Sensors often publish the same value again. A message with an expiry never counts as the same, because its expiry
// begins anew.
bool Retained::is_same(const Message& message, const journal::PublicationView& publication) const {
    if (message.bytes != publication.bytes() || message.expires_at != never || publication.expires_at != never)
        return false;
    const journal::Publication stored = read(message);
    if (!stored) return false;  // the store cannot deliver it: write it again
    const journal::PublicationView old = stored.view();
    const auto equal = [](Bytes a, Bytes b) { return std::ranges::equal(a, b); };
    return old.qos == publication.qos && equal(old.payload, publication.payload) &&
           equal(old.properties, publication.properties) && equal(old.source, publication.source);
}

// A topic has one record. When the last change of the record is still pending, the new message replaces that change.
Ticket Retained::put_record(Message& message, journal::Durability level, wire::QoS qos) {
    journal::Journal& journal = services_.journal;
    if (!journal.is_enabled() || level == journal::Durability::ram) return no_ticket;
    const Urgency urgency = urgency_of(level, qos);
    message.has_record = true;
    if (message.ticket != no_ticket && journal.is_pending(message.ticket))
        journal.replace(message.ticket, message.publication, urgency);
    else
        message.ticket = journal.put_publication(RecordKind::retained, message.number, message.publication, urgency);
    return message.ticket;
}

// Entries of removed topics are erased when they are about half of all: amortized O(1) for each new topic.
void Retained::note_arrival(std::uint64_t number, topic::TopicId topic) {
    constexpr std::size_t few = 64;
    if (arrivals_.size() >= 2 * topics_.size() + few)
        std::erase_if(arrivals_, [this](const Arrival& arrival) { return !is_there(arrival); });
    arrivals_.push_back({number, topic});
}

bool Retained::match_portion(std::string_view filter, std::uint64_t& position, std::uint64_t as_of,
                             std::size_t looks_max, std::vector<topic::TopicId>& out) {
    // A position is the number of the next topic to examine. Binary search finds it although entries were erased.
    auto next = std::ranges::lower_bound(arrivals_, position, {}, &Arrival::number);
    const auto is_due = [&] { return next != arrivals_.end() && next->number <= as_of; };
    looked_at_.clear();
    for (; is_due() && looks_max > 0; ++next, --looks_max)
        if (is_there(*next)) looked_at_.push_back(next->topic);
    position = is_due() ? next->number : as_of + 1;
    return topics_.match_among(filter, looked_at_, out) && is_due();
}

// The entry of a topic, new if necessary.
Retained::Message& Retained::at(topic::TopicId topic) {
    if (messages_.size() <= topic) messages_.resize(topic + 1);
    return messages_[topic];
}

bool Retained::has_room_for(const journal::PublicationView& publication) const {
    if (is_own(publication.topic) || publication.payload.empty()) return true;
    const auto known = topics_.find(publication.topic);
    if (!known && limited_messages_ >= limits_.messages_max) return false;
    // The bytes of the replaced message count as free. Otherwise the messages of a full table could not be updated.
    const std::size_t replaced = known ? messages_[*known].bytes : 0;
    return limited_bytes_ - replaced + publication.bytes() <= limits_.bytes_max;
}

// `bytes_before` is 0 when the topic had no message, `bytes_after` is 0 when it has none any more.
void Retained::account(std::string_view topic, std::size_t bytes_before, std::size_t bytes_after) {
    LEDGE_ASSERT(bytes_ >= bytes_before);
    bytes_ += bytes_after - bytes_before;
    if (is_own(topic)) return;
    limited_bytes_ += bytes_after - bytes_before;
    if (bytes_before == 0) ++limited_messages_;
    if (bytes_after == 0) --limited_messages_;
}

journal::Publication Retained::load(topic::TopicId topic, std::uint64_t as_of, Instant now) {
    if (topic >= messages_.size() || messages_[topic].bytes == 0 || messages_[topic].expires_at <= now) return {};
    // The message is newer than the subscription: the subscriber has got it as an ordinary publication.
    if (messages_[topic].stored_as > as_of) return {};
    journal::Publication loaded = load(messages_[topic]);
    if (!loaded) return {};
    const journal::PublicationView view = loaded.view();
    // The publisher may have lost the right to publish to this topic since.
    if (!journal::may_still_publish(services_.policy->acl, view.source, view.topic)) return {};
    return loaded;
}

// Reads the message, and keeps a payload that came from the store in RAM while the cache has room.
journal::Publication Retained::load(Message& message) {
    journal::Publication loaded = read(message);
    if (!message.publication && loaded && cached_bytes_ + message.bytes <= limits_.cache_bytes_max) {
        cached_bytes_ += message.bytes;
        message.publication = loaded;
    }
    return loaded;
}

journal::Publication Retained::read(const Message& message) const {
    if (message.publication) return message.publication;
    std::vector<Byte> body;
    // A failed read looks like a missing message here; the store poisons itself.
    if (!services_.store.retained(message.number, body)) return {};
    const auto view = journal::parse_publication({body.data(), body.size()});
    if (!view) return {};
    return journal::Publication(*view, services_.memory.account());
}

Ticket Retained::remove(topic::TopicId topic, Urgency urgency) {
    LEDGE_ASSERT(topic < messages_.size());
    Message& message = messages_[topic];
    std::string name;
    topics_.append_topic(topic, name);
    account(name, message.bytes, 0);
    journal::Journal& journal = services_.journal;
    Ticket ticket = no_ticket;
    if (message.has_record) {
        // A pending put is cancelled. An older record may be in the store nevertheless, so it is removed in any case.
        if (message.ticket != no_ticket && journal.is_pending(message.ticket)) journal.cancel(message.ticket);
        ticket = journal.drop(RecordKind::retained, no_session, message.number, urgency);
    }
    discharge(message);
    // An entry without bytes counts as free. Its number may be given to another topic.
    message = {};
    topics_.erase(topic);
    return ticket;
}

void Retained::sweep(Instant now) {
    has_expiring_ = false;  // true again when a message is found that has yet to expire
    for (topic::TopicId topic = 0; topic < messages_.size(); ++topic) {
        // The number of a removed topic.
        if (messages_[topic].bytes == 0) continue;
        if (messages_[topic].expires_at <= now)
            remove(topic, Urgency::lazy);
        else if (messages_[topic].expires_at != never)
            has_expiring_ = true;
    }
}

void Retained::restore(const journal::StoredRetained& stored) {
    const topic::TopicId topic = topics_.insert(stored.topic).id;
    Message& message = at(topic);
    if (message.bytes != 0) return;  // the store has two records of one topic: the first one counts
    message.number = message.stored_as = stored.number;
    message.has_record = true;
    message.expires_at = stored.expires_at;
    message.bytes = stored.bytes;
    account(stored.topic, 0, stored.bytes);
    charge(message);  // to no account: the owner that published it is not known any more
    if (stored.expires_at != never) has_expiring_ = true;
    arrivals_.push_back({stored.number, topic});
}

// match_portion() needs the order of the numbers, whatever the order in which the store gave the rows.
void Retained::end_restore() { std::ranges::sort(arrivals_, {}, &Arrival::number); }

}  // namespace ledge::broker
