#include "broker_seat.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <optional>

#include "../support/memory_meter.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"

namespace ledge::sim {

using support::metered_bytes;
using support::MeterScope;

BrokerSeat::~BrokerSeat() { kill(); }

BrokerSeat::BrokerSeat(broker::ShardOptions options, std::uint64_t seed) : options_(std::move(options)), seed_(seed) {
    if (options_.durability.journal.is_enabled) store_ = std::make_unique<storage::MemoryStore>();
}

Instant BrokerSeat::start(Instant now) {
    memory_before_ = metered_bytes();
    if (!has_store()) {
        const MeterScope scope;
        shard_ = std::make_unique<broker::Shard>(options_, log_, seed_++, now);
        return now;
    }
    if (stored_at_ == Instant{}) store_->close(now);  // a new store takes the time from its first broker
    const auto image = store_->load();
    LEDGE_ASSERT(image.ok());
    taken_at_ = stored_at_ = image->now;
    const MeterScope scope;
    shard_ = std::make_unique<broker::Shard>(options_, log_, seed_++, *image, store_->reader());
    return image->now;
}

void BrokerSeat::kill(bool is_kept, Duration rest) {
    if (has_store()) store_->crash(is_kept ? std::numeric_limits<std::size_t>::max() : 0, rest);
    const MeterScope scope;
    shard_.reset();
}

session::Connection* BrokerSeat::open(session::LinkHandle* link, Instant now) {
    const MeterScope scope;
    return shard_->open(broker::Peer{0, "192.0.2.1:50000"}, link, now);
}

// The bytes lie alone at the end of an allocation, so that a sanitizer sees a step too far.
void BrokerSeat::on_bytes(session::Connection& connection, const std::vector<Byte>& bytes, Instant now) {
    const std::unique_ptr<Byte[]> exact(new Byte[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    const MeterScope scope;
    shard_->on_bytes(connection, Bytes(exact.get(), bytes.size()), now);
}

void BrokerSeat::on_closed(session::Connection& connection, Instant now) {
    const MeterScope scope;
    shard_->on_closed(connection, now);
}

void BrokerSeat::on_drained(session::Connection& connection, Instant now) {
    const MeterScope scope;
    shard_->on_drained(connection, now);
}

void BrokerSeat::on_time(Instant now) {
    const MeterScope scope;
    shard_->on_time(now);
}

session::Connection* BrokerSeat::next_dirty() {
    const MeterScope scope;
    return shard_->next_dirty();
}

void BrokerSeat::shut_down(Instant now) {
    const MeterScope scope;
    shard_->shut_down(now);
}

void BrokerSeat::on_log(void* self, const LogRecord& record) {
    BrokerSeat& seat = *static_cast<BrokerSeat*>(self);
    std::string line;
    format_text(record, line);
    if (seat.is_tracing_) std::fprintf(stderr, "           log: %s\n", line.c_str());
    const bool is_expected = record.level != LogLevel::error || record.event == "store_failed";
    if (!is_expected && seat.complaint_.empty()) seat.complaint_ = line;
    if (seat.complaint_.empty()) seat.complaint_ = mismatch_with_table(record);
}

bool BrokerSeat::wants_commit(Instant now) {
    const MeterScope scope;
    return shard_->wants_commit(now);
}

// The store keeps a copy of the batch: what was allocated in the broker's name is freed in its name.
void BrokerSeat::begin_commit(Instant now) {
    std::optional<journal::Batch> batch;
    {
        const MeterScope scope;
        batch = shard_->take_batch(now);
    }
    if (is_tracing_) {
        for (const journal::Record& record : batch->records)
            std::fprintf(stderr, "           record: kind %d session %d number %d, %u bytes\n",
                         static_cast<int>(record.kind), static_cast<int>(record.session.value()),
                         static_cast<int>(record.number), record.body_size);
    }
    store_->start(journal::Batch(*batch));
    taken_at_ = now;
    const MeterScope scope;
    batch.reset();
}

bool BrokerSeat::end_commit(Instant now) {
    const auto report = store_->finish();
    if (report.ok()) stored_at_ = taken_at_;
    const MeterScope scope;
    if (report.ok())
        shard_->on_committed(report->last, report->used_fraction, now);
    else
        shard_->on_store_failed(now);
    return report.ok();
}

std::size_t BrokerSeat::rows_of_sessions() {
    const auto image = store_->load();
    LEDGE_ASSERT(image.ok());
    return store_->rows() - image->retained.size();
}

std::vector<Byte> BrokerSeat::take(session::Connection& connection, std::size_t most) {
    std::vector<Byte> taken;
    while (taken.size() < most && !connection.outbox().empty()) {
        std::array<Bytes, 3> parts;
        const std::size_t count = connection.outbox().gather(parts);
        std::size_t consumed = 0;
        for (std::size_t i = 0; i < count && taken.size() < most; ++i) {
            const Bytes piece = parts.at(i).first(std::min(parts.at(i).size(), most - taken.size()));
            taken.insert(taken.end(), piece.begin(), piece.end());
            consumed += piece.size();
        }
        if (consumed == 0) break;
        const MeterScope scope;
        connection.outbox().consume(consumed);
    }
    return taken;
}

broker::Metrics BrokerSeat::metrics() const { return shard_->metrics(); }

std::int64_t BrokerSeat::memory() const { return metered_bytes() - memory_before_; }

}  // namespace ledge::sim
