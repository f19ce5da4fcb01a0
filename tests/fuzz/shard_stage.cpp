#include "shard_stage.hpp"

#include <algorithm>

#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"
#include "require.hpp"

namespace ledge::fuzz {

namespace {

// Small limits, so that a short input reaches them.
broker::ShardOptions options() {
    broker::ShardOptions options;
    session::ListenerOptions listener;
    listener.name = "fuzz";
    listener.allow_anonymous = true;
    listener.limits.max_packet_size_bytes = 4096;
    listener.limits.receive_maximum = 4;
    listener.limits.topic_alias_max_in = 3;
    listener.limits.topic_alias_max_out = 2;
    listener.limits.topic_levels_max = 8;
    listener.limits.subscriptions_max = 6;
    listener.limits.session_expiry_max_s = 100;
    listener.limits.session_expiry_v3_s = 100;
    listener.limits.inflight_max = 3;
    listener.limits.queue_messages_max = 4;
    listener.limits.queue_bytes_max = 500;
    listener.limits.outbox_bytes_max = 300;
    listener.limits.outbox_bytes_fatal = 4000;
    options.listeners = {listener};
    options.retained = {4, 400};
    options.sessions_max = 5;
    options.sys_interval = 60s;
    return options;
}

broker::ShardOptions stored_options() {
    broker::ShardOptions stored = options();
    stored.durability.journal.is_enabled = true;
    return stored;
}

bool is_readable(Bytes frame, wire::Version version) {
    switch (wire::type_of(frame)) {
        case wire::PacketType::connack: return wire::decode_connack(frame, version).ok();
        case wire::PacketType::publish: return wire::decode_publish(frame, version).ok();
        case wire::PacketType::puback:
        case wire::PacketType::pubrec:
        case wire::PacketType::pubrel:
        case wire::PacketType::pubcomp: return wire::decode_ack(frame, version).ok();
        case wire::PacketType::suback: return wire::decode_suback(frame, version).ok();
        case wire::PacketType::unsuback: return wire::decode_unsuback(frame, version).ok();
        case wire::PacketType::pingresp: return wire::decode_pingresp(frame).ok();
        case wire::PacketType::disconnect:
            return version == wire::Version::v5 && wire::decode_disconnect(frame, version).ok();
        case wire::PacketType::auth: return version == wire::Version::v5 && wire::decode_auth(frame, version).ok();
        default: return false;  // only clients send these
    }
}

}  // namespace

ShardStage::ShardStage() : now_(Instant{} + 1h), shard_(options(), log_, 1, now_) {}

ShardStage::ShardStage(storage::MemoryStore& store) : ShardStage(&store, *store.load()) {}

ShardStage::ShardStage(storage::MemoryStore* store, const journal::StoreImage& image)
    : store_(store), now_(image.now), shard_(stored_options(), log_, 1, image, store->reader()) {}

ShardStage::~ShardStage() = default;

void ShardStage::open(unsigned seat) {
    Peer& peer = peers_.at(seat);
    if (peer.connection != nullptr) return;
    peer.unread.clear();
    peer.connection = shard_.open(broker::Peer{0, "192.0.2.1:1"}, nullptr, now_);
    require(peer.connection != nullptr, "there is room for a few connections");
}

void ShardStage::feed(unsigned seat, const std::vector<Byte>& bytes) {
    Peer& peer = peers_.at(seat);
    fed_bytes_ += bytes.size();
    if (peer.connection != nullptr) shard_.on_bytes(*peer.connection, bytes, now_);
}

void ShardStage::drain(unsigned seat, std::size_t most) {
    Peer& peer = peers_.at(seat);
    if (peer.connection == nullptr) return;
    const wire::Version version = peer.connection->peer().version;
    session::Outbox& outbox = peer.connection->outbox();
    std::size_t taken = 0;
    while (taken < most && !outbox.empty()) {
        std::array<Bytes, 2> parts;
        require(outbox.gather(parts) > 0, "a filled outbox has parts");
        const Bytes piece = parts[0].first(std::min(parts[0].size(), most - taken));
        require(!piece.empty(), "a part has bytes");
        peer.unread.insert(peer.unread.end(), piece.begin(), piece.end());
        taken += piece.size();
        outbox.consume(piece.size());
    }
    check_packets(peer, version);
    if (taken > 0 && !peer.connection->is_closing()) shard_.on_drained(*peer.connection, now_);
}

void ShardStage::check_packets(Peer& peer, wire::Version version) {
    wire::Framer framer;
    Bytes rest(peer.unread);
    while (true) {
        const Bytes before = rest;
        const wire::Framer::Next next = framer.next(rest, wire::variable_integer_max);
        if (next.status == wire::Framer::Status::need_more) {
            peer.unread = std::vector<Byte>(before.begin(), before.end());
            return;
        }
        require(next.status == wire::Framer::Status::frame, "the broker sends whole packets");
        require(is_readable(next.frame, version), "the broker sends correct packets");
    }
}

void ShardStage::close(unsigned seat) {
    Peer& peer = peers_.at(seat);
    if (peer.connection == nullptr) return;
    session::Connection& connection = *peer.connection;
    peer.connection = nullptr;
    shard_.on_closed(connection, now_);
}

void ShardStage::advance(Duration span) {
    const Instant target = now_ + span;
    for (unsigned timers = 0; shard_.next_deadline() <= target; ++timers) {
        require(timers < 100'000, "timers make progress");
        now_ = std::max(now_, shard_.next_deadline());
        shard_.on_time(now_);
        finish_turn();
    }
    now_ = target;
}

void ShardStage::commit() {
    for (unsigned commits = 0; shard_.wants_commit(now_); ++commits) {
        require(commits < 10'000, "commits come to an end");
        const auto report = store_->commit(shard_.take_batch(now_));
        require(report.ok(), "a store in memory takes what it is given");
        shard_.on_committed(report->last, 0, now_);
    }
}

void ShardStage::finish_turn() {
    if (store_ != nullptr) commit();
    while (session::Connection* connection = shard_.next_dirty()) {
        require(connection->outbox().size() <= 16'000, "outboxes are bounded");
    }
    for (unsigned seat = 0; seat < seats; ++seat) {
        const session::Connection* connection = peers_.at(seat).connection;
        if (connection != nullptr && connection->is_closing() && connection->outbox().empty()) close(seat);
    }
}

void ShardStage::end() {
    for (unsigned seat = 0; seat < seats; ++seat) {
        drain(seat, 1U << 20U);
        close(seat);
    }
    finish_turn();
    advance(200s);
    const broker::Metrics& metrics = shard_.metrics();
    require(metrics.connections == 0 && metrics.clients_connected == 0, "no connection is left");
    require(metrics.sessions == 0, "no session is left");
    // An entry has four bytes at least; below the sizes from which on there is an index, it is compared with 100.
    require(metrics.counters.subscribe_steps <= 40 * fed_bytes_, "the work for subscriptions is bounded by the bytes");
    require(metrics.subscriptions == 0, "no subscription is left");
    require(metrics.counters.queued_messages == 0 && metrics.counters.queued_bytes == 0, "no message is left");
}

}  // namespace ledge::fuzz
