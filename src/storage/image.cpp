#include "image.hpp"

#include <algorithm>

#include "ledge/session/records.hpp"
#include "row_seal.hpp"

namespace ledge::storage {
namespace {

using broker::StoredSession;

std::vector<Byte> copy_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Follows rows in the order of their sessions: each step is at the same session or a later one.
class SessionFinder {
public:
    explicit SessionFinder(std::vector<StoredSession>& sessions) : sessions_(sessions) {}

    StoredSession* find(std::uint64_t number) {
        while (at_ < sessions_.size() && sessions_[at_].number < number) ++at_;
        return at_ < sessions_.size() && sessions_[at_].number == number ? &sessions_[at_] : nullptr;
    }

private:
    std::vector<StoredSession>& sessions_;
    std::size_t at_ = 0;
};

/// Calls f(key, body) for each row that is sound.
template <class F>
int for_each_sound_row(const Txn& txn, const Tables& tables, Table table, Strays& strays, F&& f) {
    return for_each_row(txn, tables[table], [&](Bytes key, Bytes value) {
        const auto body = open_row(table, key, value);
        if (body && fault_in_row(table, key, *body) == nullptr) {
            f(key, *body);
        } else {
            ++strays.bad_rows;
        }
        return true;
    });
}

/// Calls f(session, key, body) for each row whose session is there.
template <class F>
int for_each_owned_row(const Txn& txn, const Tables& tables, Table table, std::vector<StoredSession>& sessions,
                       Strays& strays, F&& f) {
    SessionFinder finder(sessions);
    return for_each_sound_row(txn, tables, table, strays, [&](Bytes key, Bytes body) {
        if (StoredSession* owner = finder.find(read_u64(key.data()))) {
            f(*owner, key, body);
        } else {
            ++strays.rows;
        }
    });
}

void add_queued(StoredSession& owner, Bytes key, Bytes value, std::vector<std::uint64_t>& messages) {
    const auto record = session::parse_queued(value);
    if (!record) return;
    const std::uint64_t number = read_u64(key.data() + 8);
    if (owner.queued++ == 0) owner.first_queued = number;
    owner.last_queued = number;
    owner.queued_bytes += record->bytes;
    if (record->packet_id != 0) owner.inflight.push_back({number, copy_of(value)});
    messages.push_back(record->message);
}

void count_references(std::vector<std::uint64_t> messages, std::vector<broker::StoredReferences>& references) {
    if (!std::is_sorted(messages.begin(), messages.end())) std::sort(messages.begin(), messages.end());
    references.reserve(messages.size());
    for (const std::uint64_t message : messages) {
        if (references.empty() || references.back().message != message) references.push_back({message, 0});
        ++references.back().rows;
    }
    references.shrink_to_fit();
}

void add_retained(std::uint64_t number, Bytes body, std::vector<broker::StoredRetained>& retained) {
    const auto publication = session::parse_publication(body);
    if (!publication) return;
    retained.push_back({number, std::string(publication->topic), publication->expires_at,
                        static_cast<std::uint32_t>(publication->bytes())});
}

int load_retained(const Txn& txn, const Tables& tables, const FreshRows& fresh, Strays& strays,
                  std::vector<broker::StoredRetained>& retained) {
    const auto& places = fresh.places();
    const int code = for_each_sound_row(txn, tables, Table::retained, strays, [&](Bytes key, Bytes body) {
        const std::uint64_t number = read_u64(key.data());
        if (places.empty() || !places.contains(number)) add_retained(number, body, retained);
    });
    if (code != lmdb_ok) return code;
    return for_each_sound_row(txn, tables, Table::fresh, strays, [&](Bytes key, Bytes body) {
        const auto row = parse_fresh(key, body);
        if (!row || row->kind != FreshKind::message) return;
        const auto place = places.find(row->number);
        const bool is_newest = place != places.end() && place->second.sequence == row->sequence;
        if (is_newest) add_retained(row->number, row->body, retained);
    });
}

}  // namespace

int load_image(const Txn& txn, const Tables& tables, const FreshRows& fresh, broker::StoreImage& image,
               Strays& strays) {
    auto& sessions = image.sessions;
    int code = for_each_sound_row(txn, tables, Table::session, strays, [&](Bytes key, Bytes body) {
        sessions.emplace_back();
        sessions.back().number = read_u64(key.data());
        sessions.back().record = copy_of(body);
    });
    if (code != lmdb_ok) return code;

    code = for_each_owned_row(txn, tables, Table::sub, sessions, strays, [](auto& owner, Bytes key, Bytes value) {
        owner.subscriptions.push_back({read_u64(key.data() + 8), copy_of(value)});
    });
    if (code != lmdb_ok) return code;

    code = for_each_owned_row(txn, tables, Table::in2, sessions, strays, [](auto& owner, Bytes key, Bytes) {
        owner.received.push_back(static_cast<std::uint16_t>(key[8] << 8U | key[9]));
    });
    if (code != lmdb_ok) return code;

    std::vector<std::uint64_t> messages;
    if (const auto facts = txn.facts(tables[Table::q])) messages.reserve(facts.value().entries);
    code = for_each_owned_row(txn, tables, Table::q, sessions, strays,
                              [&](auto& owner, Bytes key, Bytes value) { add_queued(owner, key, value, messages); });
    if (code != lmdb_ok) return code;
    count_references(std::move(messages), image.references);

    return load_retained(txn, tables, fresh, strays, image.retained);
}

}  // namespace ledge::storage
