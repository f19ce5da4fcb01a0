#include "broker_seat.hpp"

#include <algorithm>
#include <array>

#include "memory_meter.hpp"

namespace ledge::sim {

BrokerSeat::~BrokerSeat() { kill(); }

void BrokerSeat::start(Instant now) {
    memory_before_ = metered_bytes();
    const MeterScope scope;
    shard_ = std::make_unique<broker::Shard>(options_, log_, seed_++, now);
}

void BrokerSeat::kill() {
    const MeterScope scope;
    shard_.reset();
}

session::Connection* BrokerSeat::open(void* driver_data, Instant now) {
    const MeterScope scope;
    return shard_->open(broker::Peer{0, "192.0.2.1:50000"}, driver_data, now);
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
