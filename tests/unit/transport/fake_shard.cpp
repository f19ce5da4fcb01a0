#include "fake_shard.hpp"

#include <algorithm>
#include <cstring>

#include "ledge/broker/options.hpp"
#include "ledge/session/core_services.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::broker {

struct Shard::Parts {
    Parts(const Log& log, std::uint64_t seed, Instant now) : services(log, {}, seed, now) {}
    session::CoreServices services;
    session::ListenerOptions listener;
};

FakeShard& FakeShard::current() {
    static FakeShard fake;
    return fake;
}

void say(session::Connection& connection, std::string_view text) {
    connection.outbox().append_copy(as_bytes(text));
    connection.mark_dirty();
}

void say_by_reference(session::Connection& connection, const Blob& blob) {
    connection.outbox().append_reference(blob, blob.bytes());
    connection.mark_dirty();
}

Shard::Shard(const ShardOptions&, const Log& log, std::uint64_t seed, Instant now)
    : parts_(std::make_unique<Parts>(log, seed, now)) {}
Shard::~Shard() = default;

session::Connection* Shard::open(const Peer& peer, session::LinkHandle* link, Instant now) {
    FakeShard& fake = FakeShard::current();
    if (fake.refuses) {
        ++fake.refused;
        return nullptr;
    }
    fake.addresses.emplace_back(peer.address);
    fake.users.emplace_back(peer.user);
    fake.peers.push_back(peer);
    parts_->listener.limits = fake.limits;
    auto* connection = new session::Connection(parts_->services.for_connections, parts_->listener,
                                               std::string(peer.address), link, now);
    connection->listener_counters = &fake.counters;
    fake.open.push_back(connection);
    return connection;
}

void Shard::on_bytes(session::Connection& connection, Bytes bytes, Instant) {
    if (!connection.is_closing()) FakeShard::current().on_bytes(connection, bytes);
}

void Shard::on_closed(session::Connection& connection, Instant) {
    FakeShard& fake = FakeShard::current();
    ++fake.closed;
    LEDGE_ASSERT(std::erase(fake.open, &connection) == 1);
    connection.unlink_dirty();
    delete &connection;
}

void Shard::on_drained(session::Connection& connection, Instant) {
    ++FakeShard::current().drained;
    FakeShard::current().on_drained(connection);
}

void Shard::on_time(Instant now) {
    ++FakeShard::current().timed;
    if (FakeShard::current().deadline <= now) FakeShard::current().deadline = never;
}

Instant Shard::next_deadline() const { return FakeShard::current().deadline; }

void Shard::note_accept_pause() { ++FakeShard::current().accept_pauses; }

session::Connection* Shard::next_dirty() { return parts_->services.dirty.pop(); }

void Shard::shut_down(Instant) {
    for (session::Connection* connection : FakeShard::current().open) {
        say(*connection, FakeShard::current().farewell);
        connection->close_silently();
    }
}

}  // namespace ledge::broker
