// MemoryStore: tables as sorted maps in memory.
#include "ledge/storage/memory_store.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "ledge/base/assert.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "schema.hpp"
#include "table_traits.hpp"

namespace ledge::storage {

using journal::Change;
using journal::RecordKind;

/// The tables of the real store, as sorted maps: the order of the rows is part of what a reader relies on.
struct MemoryStore::Tables {
    std::array<Rows, table_count> rows;

    Rows& operator[](Table table) { return rows[index_of(table)]; }

    /// Messages and retained messages belong to no session, so the first part of their keys is 0.
    bool read(Table table, std::uint64_t number, std::vector<Byte>& out) {
        const auto row = (*this)[table].find({0, number});
        if (row == (*this)[table].end()) return false;
        out = row->second;
        return true;
    }
};

MemoryStore::MemoryStore() : tables_(std::make_unique<Tables>()) {}
MemoryStore::~MemoryStore() = default;

// ---------------------------------------------------------------------------------------------------------------------
// Commits

// The batch is kept and not applied: reads must see the state before the commit until it is finished.
void MemoryStore::start(journal::Batch batch) {
    LEDGE_ASSERT(!under_way_);
    under_way_ = std::move(batch);
}

Result<CommitReport, Error> MemoryStore::finish() {
    LEDGE_ASSERT(under_way_.has_value());
    // The batch is gone in every case: after an error the caller must hand over the same batch again.
    const journal::Batch batch = std::move(*under_way_);
    under_way_.reset();
    // The planned failure poisons the store: all later commits fail as well.
    if (until_failure_ > 0 && --until_failure_ == 0) poison_ = planned_;
    if (poison_) return Failure{*poison_};
    apply(batch, batch.records.size());
    // Only commits that succeeded count.
    ++commits_;
    CommitReport report;
    report.last = batch.last;
    report.used_fraction = used_fraction_;
    for (const journal::Record& record : batch.records) {
        const Table table = table_of(record.kind);
        report.given[static_cast<std::size_t>(traits_of(table).write_class)] += key_size(table) + record.body_size;
    }
    return report;
}

Result<CommitReport, Error> MemoryStore::commit(const journal::Batch& batch) {
    start(batch);
    return finish();
}

void MemoryStore::apply(const journal::Batch& batch, std::size_t records) {
    LEDGE_ASSERT(records <= batch.records.size());
    for (std::size_t i = 0; i < records; ++i) apply(batch.records[i], batch.body(batch.records[i]));
    records_ += records;
    // As in the real store, number and time never go back, even if a batch is repeated.
    next_number_ = std::max(next_number_, batch.next_number);
    now_ = std::max(now_, batch.now);
}

void MemoryStore::apply(const journal::Record& record, Bytes body) {
    const bool is_put = record.change == Change::put;
    if (record.kind == RecordKind::session && !is_put) return drop_session(record.session);
    // A session has one row, whose key has no number, as in the schema of the real store.
    Rows& rows = (*tables_)[table_of(record.kind)];
    const Key key{record.session.value(), record.kind == RecordKind::session ? 0 : record.number};
    if (is_put) {
        rows[key].assign(body.begin(), body.end());
    } else {
        rows.erase(key);
    }
}

/// All rows of the session but its queued messages' bodies, which other sessions may share.
void MemoryStore::drop_session(SessionNumber session) {
    for (const Table table : {Table::session, Table::subscription, Table::received, Table::queued}) {
        Rows& rows = (*tables_)[table];
        rows.erase(rows.lower_bound({session.value(), 0}),
                   rows.upper_bound({session.value(), std::numeric_limits<std::uint64_t>::max()}));
    }
}

// The meta data of the batch survives together with the first records. load() raises the next number if needed.
void MemoryStore::crash(std::size_t records_kept, Duration rest) {
    if (under_way_) apply(*under_way_, std::min(records_kept, under_way_->records.size()));
    under_way_.reset();
    poison_.reset();
    until_failure_ = 0;
    now_ += rest;
}

void MemoryStore::fail_from(std::uint64_t nth, Error error) {
    until_failure_ = nth;
    planned_ = std::move(error);
}

void MemoryStore::close(Instant now) {
    LEDGE_ASSERT(!under_way_);
    now_ = std::max(now_, now);
}

std::size_t MemoryStore::rows() const {
    std::size_t total = 0;
    for (const Rows& rows : tables_->rows) total += rows.size();
    return total;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reads

Result<journal::StoreImage, Error> MemoryStore::load() {
    journal::StoreImage image;
    std::uint64_t highest = 0;  // the highest number in use
    image.now = now_;
    Tables& tables = *tables_;
    // Message number to the number of its queue rows. The image lists the references in ascending order, as a map does.
    std::map<std::uint64_t, std::uint32_t> references;
    // The same checks as in the real store: tests can put malformed rows into the store to see what the core gets.
    const auto is_sound = [&](Table table, const Key& key, const std::vector<Byte>& body) {
        const bool is_bad =
            fault_in_row(table, key_of(table, key.first, table == Table::session ? 0 : key.second).bytes(), body) !=
            nullptr;
        image.bad_rows += is_bad ? 1 : 0;
        return !is_bad;
    };
    for (const auto& [owner, record] : tables[Table::session]) {
        if (!is_sound(Table::session, owner, record)) continue;
        highest = std::max(highest, owner.first);
        journal::StoredSession& stored = image.sessions.emplace_back();
        stored.number = SessionNumber(owner.first);
        stored.record = record;
        const auto each_of = [&, number = owner.first](Table table, auto&& f) {
            const Rows& rows = tables[table];
            for (auto row = rows.lower_bound({number, 0}); row != rows.end() && row->first.first == number; ++row)
                if (is_sound(table, row->first, row->second)) f(row->first.second, row->second);
        };
        each_of(Table::subscription, [&](auto number, const auto& body) {
            stored.subscriptions.push_back({number, body});
        });
        each_of(Table::received,
                [&](auto number, const auto&) { stored.received.push_back(static_cast<std::uint16_t>(number)); });
        each_of(Table::queued, [&](auto number, const auto& body) {
            const auto queued = journal::parse_queued(body);
            if (!queued) return;
            // The rows come in the order of their numbers, so the first row is the lowest and the last row the highest.
            if (stored.queued++ == 0) stored.first_queued = QueueRow(number);
            stored.last_queued = QueueRow(number);
            if (queued->is_live) stored.last_live = QueueRow(number);
            stored.queued_bytes += queued->bytes;
            // A row with a packet identifier was sent and not acknowledged. The session needs its body at once, to send
            // it again.
            if (queued->packet_id != 0) stored.inflight.push_back({number, body});
            ++references[queued->message.value()];
        });
    }
    for (const auto& [message, rows] : references) image.references.push_back({MessageNumber(message), rows});
    for (const auto& [key, body] : tables[Table::retained]) {
        const auto publication = journal::parse_publication(body);
        if (!publication || !is_sound(Table::retained, key, body)) continue;
        image.retained.push_back({key.second, std::string(publication->topic), publication->expires_at,
                                  static_cast<std::uint32_t>(publication->bytes())});
        highest = std::max(highest, key.second);
    }
    for (const auto& [key, body] : tables[Table::message])
        // A number above number_max is damage. Numbers after it could not be represented.
        if (key.second <= number_max) highest = std::max(highest, key.second);
    // The batch that wrote the highest number may have been lost in part, together with its next number (crash()).
    image.next_number = std::max(next_number_, highest + 1);
    return image;
}

void MemoryStore::queued(SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                         std::vector<journal::StoredDelivery>& out) {
    Tables& tables = *tables_;
    std::size_t bytes = 0;
    for (auto row = tables[Table::queued].lower_bound({session.value(), from.value()});
         row != tables[Table::queued].end() && row->first.first == session.value() && rows_max > 0 &&
         bytes <= bytes_max;
         ++row, --rows_max) {
        journal::StoredDelivery& delivery = out.emplace_back();
        delivery.row = {row->first.second, row->second};
        const auto queued = journal::parse_queued(row->second);
        // No message has the number 0, so a malformed row finds nothing and is returned with an empty publication.
        const auto message = tables[Table::message].find({0, queued ? queued->message.value() : 0});
        if (message != tables[Table::message].end()) delivery.publication = message->second;
        bytes += delivery.row.body.size() + delivery.publication.size();
    }
}

bool MemoryStore::retained(std::uint64_t number, std::vector<Byte>& out) {
    return tables_->read(Table::retained, number, out);
}

bool MemoryStore::message(MessageNumber number, std::vector<Byte>& out) {
    return tables_->read(Table::message, number.value(), out);
}

}  // namespace ledge::storage
