// ShardStage: a shard with a few connections, for the fuzz targets. Whatever the broker says must be whole packets that
// a client of that version can read; at the end nothing may be left.
#pragma once

#include <array>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/storage/memory_store.hpp"

namespace ledge::fuzz {

class ShardStage {
public:
    static constexpr unsigned seats = 4;

    ShardStage();
    /// Continues with what `store` remembers, and commits to it at the end of each turn. `store` outlives the stage.
    explicit ShardStage(storage::MemoryStore& store);
    ~ShardStage();
    ShardStage(const ShardStage&) = delete;
    ShardStage& operator=(const ShardStage&) = delete;

    bool is_open(unsigned seat) const { return peers_.at(seat).connection != nullptr; }
    wire::Version version(unsigned seat) const { return peers_.at(seat).connection->peer().version; }

    void open(unsigned seat);
    void feed(unsigned seat, const std::vector<Byte>& bytes);
    /// Reads up to `most` bytes and checks the packets among them.
    void drain(unsigned seat, std::size_t most);
    void close(unsigned seat);
    void advance(Duration span);
    /// The end of a turn; closes what wants to be closed and is empty.
    void finish_turn();
    /// Closes everything, lets every session expire and looks whether anything is left.
    void end();

private:
    struct Peer {
        session::Connection* connection = nullptr;
        std::vector<Byte> unread;  // of an unfinished packet
    };
    ShardStage(storage::MemoryStore* store, const journal::StoreImage& image);
    void commit();
    void check_packets(Peer& peer, wire::Version version);

    Log log_;
    storage::MemoryStore* store_ = nullptr;
    Instant now_{};
    broker::Shard shard_;
    std::array<Peer, seats> peers_;
    std::uint64_t fed_bytes_ = 0;
};

}  // namespace ledge::fuzz
