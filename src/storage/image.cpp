// load_image: walks through the tables, checks each row, and builds the image that a shard starts from.
#include "image.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"
#include "loss_finder.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

using journal::StoredSession;

std::vector<Byte> copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Finds the session of each row of a sorted walk. Each call must ask for the same session or a later one, so that the
/// whole walk needs only one pass.
class SessionFinder {
public:
    explicit SessionFinder(std::vector<StoredSession>& sessions) : sessions_(sessions) {}

    StoredSession* find(SessionNumber number) {
        while (at_ < sessions_.size() && sessions_[at_].number < number) ++at_;
        return at_ < sessions_.size() && sessions_[at_].number == number ? &sessions_[at_] : nullptr;
    }

private:
    std::vector<StoredSession>& sessions_;
    std::size_t at_ = 0;
};

std::vector<std::uint64_t> numbers_of(const std::vector<StoredSession>& sessions) {
    std::vector<std::uint64_t> numbers;
    numbers.reserve(sessions.size());
    for (const StoredSession& session : sessions) numbers.push_back(session.number.value());
    return numbers;
}

/// Calls f(key, body) for each sound row. Notes the bad rows in `damage`, and tells `losses` about all rows.
template <class F>
int for_each_sound_row(const Txn& txn, const Tables& tables, Table table, Damage& damage, LossFinder* losses, F&& f) {
    return for_each_row(txn, tables[table], [&](Bytes key, Bytes value) {
        const auto body = open_row(table, key, value);
        const char* fault = body ? fault_in_row(table, key, *body) : wrong_seal;
        if (fault == nullptr) {
            if (losses != nullptr) losses->on_sound(key);
            f(key, *body);
        } else {
            if (losses != nullptr) losses->on_bad(key, value);
            damage.rows.note(table, key, value, fault);
        }
        return true;
    });
}

/// Calls f(session, key, body) for each sound row whose session exists. Notes the other rows.
template <class F>
int for_each_owned_row(const Txn& txn, const Tables& tables, Table table, std::vector<StoredSession>& sessions,
                       Damage& damage, F&& f) {
    // Already sorted, because the rows of the sessions were read in the order of their keys.
    const std::vector<std::uint64_t> numbers = numbers_of(sessions);
    LossFinder losses(table, numbers, damage.incomplete);
    SessionFinder finder(sessions);
    const auto on_row = [&](Bytes key, Bytes body) {
        if (StoredSession* owner = finder.find(SessionNumber(read_u64(key.data())))) return f(*owner, key, body);
        // The walk passes only the body, but the file of bad rows gets the row as it is in the store.
        const auto value = txn.get(tables[table], key);
        if (value) damage.rows.note(table, key, value.value(), "its session is missing");
    };
    const int code = for_each_sound_row(txn, tables, table, damage, &losses, on_row);
    losses.on_end();
    return code;
}

void add_queued(StoredSession& owner, Bytes key, Bytes value, std::vector<MessageNumber>& messages) {
    const auto record = journal::parse_queued(value);
    if (!record) return;
    LEDGE_ASSERT(key.size() == key_size(Table::queued));  // fault_in_row() has checked the key
    const std::uint64_t number = read_u64(key.data() + 8);
    if (owner.queued++ == 0) owner.first_queued = QueueRow(number);
    owner.last_queued = QueueRow(number);
    if (record->is_live) owner.last_live = QueueRow(number);
    owner.queued_bytes += record->bytes;
    if (record->packet_id != 0) owner.inflight.push_back({number, copy_of(value)});
    messages.push_back(record->message);
}

void count_references(std::vector<MessageNumber> messages, std::vector<journal::StoredReferences>& references) {
    // The walk is in the order of sessions; within one queue the numbers are often sorted already.
    if (!std::is_sorted(messages.begin(), messages.end())) std::sort(messages.begin(), messages.end());
    references.reserve(messages.size());
    for (const MessageNumber message : messages) {
        if (references.empty() || references.back().message != message) references.push_back({message, 0});
        ++references.back().rows;
    }
    references.shrink_to_fit();
}

void add_retained(std::uint64_t number, Bytes body, std::vector<journal::StoredRetained>& retained) {
    const auto publication = journal::parse_publication(body);
    if (!publication) return;
    retained.push_back({number, std::string(publication->topic), publication->expires_at,
                        static_cast<std::uint32_t>(publication->bytes())});
}

int load_retained(const Txn& txn, const Tables& tables, const FreshRows& fresh, Damage& damage,
                  std::vector<journal::StoredRetained>& retained) {
    const auto& places = fresh.places();
    const int code = for_each_sound_row(txn, tables, Table::retained, damage, nullptr, [&](Bytes key, Bytes body) {
        const std::uint64_t number = read_u64(key.data());
        // A message with an entry in `places` has a newer state in `fresh`: another message, or none.
        if (places.empty() || !places.contains(number)) add_retained(number, body, retained);
    });
    if (code != lmdb_ok) return code;
    return for_each_sound_row(txn, tables, Table::fresh, damage, nullptr, [&](Bytes key, Bytes body) {
        const auto newer = parse_fresh_body(body);
        if (!newer || newer->kind != FreshKind::message) return;
        const std::uint64_t sequence = read_u64(key.data());
        const std::uint64_t number = read_u64(key.data() + 8);
        const auto place = places.find(number);
        // A message may have several rows in `fresh`; only the newest counts.
        const bool is_newest = place != places.end() && place->second.sequence == sequence;
        if (is_newest) add_retained(number, newer->publication, retained);
    });
}

/// Notes messages that no sound queue row refers to. Such messages exist only after damage: the queue row that referred
/// to the message is lost, and nothing else would ever remove the message.
int note_messages_without_queue(const Txn& txn, const Tables& tables,
                                const std::vector<journal::StoredReferences>& references, Damage& damage) {
    auto next = references.begin();  // references and rows are both sorted by message number
    return for_each_row(txn, tables[Table::message], [&](Bytes key, Bytes value) {
        if (!is_key(Table::message, key)) return true;
        const MessageNumber number(read_u64(key.data()));
        while (next != references.end() && next->message < number) ++next;
        const bool is_referenced = next != references.end() && next->message == number;
        if (!is_referenced) damage.rows.note(Table::message, key, value, "no queue refers to it");
        return true;
    });
}

void sort_once(std::vector<std::uint64_t>& numbers) {
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

std::vector<Byte> incomplete_record(Bytes body) {
    auto record = journal::parse_session(body);
    // Cannot happen for a row that was checked. The session stays as it is, because a row that cannot be parsed cannot
    // be marked.
    if (!record) return copy_of(body);
    record->is_incomplete = true;
    return copy_of(journal::encode(*record).bytes());
}

void mark_incomplete(std::vector<StoredSession>& sessions, std::vector<std::uint64_t>& numbers) {
    sort_once(numbers);
    SessionFinder finder(sessions);
    for (const std::uint64_t number : numbers) {
        StoredSession* session = finder.find(SessionNumber(number));
        if (session != nullptr) session->record = incomplete_record(session->record);
    }
}

}  // namespace

int mark_incomplete(Txn& txn, const Tables& tables, std::vector<std::uint64_t>& sessions) {
    sort_once(sessions);
    for (const std::uint64_t session : sessions) {
        const Key key = Key::of(session);
        const auto body = get_row(txn, tables, Table::session, key.bytes());
        if (!body && !is_not_found(body.error()) && body.error() != row_damaged) return body.error();
        // A session whose own row is lost or damaged cannot be resumed, so it needs no mark.
        if (!body) continue;
        if (const int code = put_row(txn, tables, Table::session, key.bytes(), incomplete_record(*body))) return code;
    }
    return lmdb_ok;
}

int load_image(const Txn& txn, const Tables& tables, const FreshRows& fresh, journal::StoreImage& image,
               Damage& damage) {
    LEDGE_ASSERT(image.sessions.empty());
    auto& sessions = image.sessions;
    const std::uint64_t bad_before = damage.rows.count();
    int code = for_each_sound_row(txn, tables, Table::session, damage, nullptr, [&](Bytes key, Bytes body) {
        sessions.emplace_back();
        sessions.back().number = SessionNumber(read_u64(key.data()));
        sessions.back().record = copy_of(body);
    });
    if (code != lmdb_ok) return code;

    code =
        for_each_owned_row(txn, tables, Table::subscription, sessions, damage, [](auto& owner, Bytes key, Bytes body) {
            owner.subscriptions.push_back({read_u64(key.data() + 8), copy_of(body)});
        });
    if (code != lmdb_ok) return code;

    code = for_each_owned_row(txn, tables, Table::received, sessions, damage, [](auto& owner, Bytes key, Bytes) {
        owner.received.push_back(static_cast<std::uint16_t>(key[8] << 8U | key[9]));
    });
    if (code != lmdb_ok) return code;

    std::vector<MessageNumber> messages;
    // One allocation of the right size: a vector that grows would need up to three times this memory for a moment.
    if (const auto facts = txn.facts(tables[Table::queued])) messages.reserve(facts.value().entries);
    code = for_each_owned_row(txn, tables, Table::queued, sessions, damage,
                              [&](auto& owner, Bytes key, Bytes body) { add_queued(owner, key, body, messages); });
    if (code != lmdb_ok) return code;
    // Only rows of existing sessions count: a row without its session will be removed and must not keep its message.
    count_references(std::move(messages), image.references);
    mark_incomplete(sessions, damage.incomplete);
    // Without bad rows every message has a queue row, so the walk through all messages is not needed.
    if (damage.rows.count() > bad_before) code = note_messages_without_queue(txn, tables, image.references, damage);
    if (code != lmdb_ok) return code;

    code = load_retained(txn, tables, fresh, damage, image.retained);
    image.bad_rows = damage.rows.count();
    return code;
}

}  // namespace ledge::storage
