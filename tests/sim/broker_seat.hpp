// BrokerSeat: where the broker sits in the simulated world. The world knows only this: the calls of a shard, and that
// the broker can be killed and started again. What survives a kill is up to the seat: today nothing, everything is in
// memory; with a store it is what the store holds.
#pragma once

#include <memory>
#include <vector>

#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"

namespace ledge::sim {

class BrokerSeat {
public:
    BrokerSeat(broker::ShardOptions options, std::uint64_t seed) : options_(std::move(options)), seed_(seed) {}
    ~BrokerSeat();
    BrokerSeat(const BrokerSeat&) = delete;
    BrokerSeat& operator=(const BrokerSeat&) = delete;

    void start(Instant now);
    /// All connections are gone without a word, and everything that was only in memory.
    void kill();
    /// True if sessions and retained messages are still there after a kill.
    static constexpr bool survives_kill = false;

    session::Connection* open(void* driver_data, Instant now);
    void on_bytes(session::Connection& connection, const std::vector<Byte>& bytes, Instant now);
    void on_closed(session::Connection& connection, Instant now);
    void on_drained(session::Connection& connection, Instant now);
    void on_time(Instant now);
    Instant next_deadline() const { return shard_->next_deadline(); }
    session::Connection* next_dirty();
    void shut_down(Instant now);

    /// Takes up to `most` bytes from the front of the outbox, a few parts at a time as a driver would.
    std::vector<Byte> take(session::Connection& connection, std::size_t most);

    const broker::ShardOptions& options() const { return options_; }
    broker::Metrics metrics() const;
    /// Bytes on the heap, since the first start.
    std::int64_t memory() const;

private:
    broker::ShardOptions options_;
    std::uint64_t seed_;
    Log log_;
    std::int64_t memory_before_ = 0;
    std::unique_ptr<broker::Shard> shard_;
};

}  // namespace ledge::sim
