#include "lossy_line.hpp"

#include <array>

#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::client {
namespace {

broker::ShardOptions shard_options(std::uint16_t receive_maximum) {
    broker::ShardOptions options;
    session::ListenerOptions listener;
    listener.allow_anonymous = true;
    listener.limits.receive_maximum = receive_maximum;
    options.listeners = {listener};
    options.sys_interval = {};
    return options;
}

}  // namespace

Core::Core(std::uint16_t receive_maximum) : shard(shard_options(receive_maximum), log, 1, now) {}

void Core::advance(Duration by) {
    now += by;
    if (shard.next_deadline() <= now) shard.on_time(now);
}

void LossyLine::connects(bool clean_start) {
    LEDGE_ASSERT(connection_ == nullptr);
    connection_ = core_.shard.open({0, "192.0.2.1:1"}, nullptr, core_.now);
    LEDGE_ASSERT(connection_ != nullptr);
    client.connect(clean_start, core_.now);
}

void LossyLine::moves(Rng& rng) {
    if (is_open()) take_from_client(rng);
    while (core_.shard.next_dirty() != nullptr) {
    }
    if (is_open()) take_from_shard(rng);
    if (!is_open()) return;
    if (client.next_deadline() <= core_.now) on_event_(client.on_time(core_.now));
    if (is_open() && (client.wants_close() || (connection_->is_closing() && connection_->outbox().empty()))) breaks();
}

void LossyLine::take_from_client(Rng& rng) {
    const Bytes output = client.output();
    const std::size_t count = output.empty() ? 0 : rng.below(output.size() + 1);
    const std::vector<Byte> piece(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(count));
    client.sent(count, core_.now);
    core_.shard.on_bytes(*connection_, piece, core_.now);
}

void LossyLine::take_from_shard(Rng& rng) {
    session::Outbox& outbox = connection_->outbox();
    if (outbox.empty()) return;
    std::array<Bytes, 1> parts;
    LEDGE_ASSERT(outbox.gather(parts) > 0);
    const std::size_t count = rng.below(parts[0].size() + 1);
    const std::vector<Byte> piece(parts[0].begin(), parts[0].begin() + static_cast<std::ptrdiff_t>(count));
    outbox.consume(count);
    core_.shard.on_drained(*connection_, core_.now);
    deliver(piece);
}

void LossyLine::deliver(Bytes bytes) {
    for (;;) {
        const Event event = client.on_bytes(bytes, core_.now);
        if (is_nothing(event)) return;
        on_event_(event);
        if (!is_open()) return;
    }
}

void LossyLine::breaks() {
    if (connection_ == nullptr) return;
    core_.shard.on_closed(*connection_, core_.now);
    connection_ = nullptr;
    client.closed();
}

}  // namespace ledge::client
