#include "relay_world.hpp"

#include <algorithm>

#include "../../support/memory_meter.hpp"
#include "relay_rig.hpp"

namespace ledge::bridge {

using support::MeterScope;

RelayWorld::RelayWorld(std::uint64_t seed, const WorldPlan& plan)
    : rng(seed),
      inner(v5, static_cast<std::uint16_t>(65'530 - rng.below(40)), 10),
      remote(plan.version, static_cast<std::uint16_t>(1 + rng.below(60'000)), 4),
      plan_(plan),
      bytes_before_(support::metered_bytes()) {
    remote.quirks = plan.quirks;
    starts_process();
}

void RelayWorld::starts_process() {
    UpstreamOptions options;
    options.kind = plan_.kind;
    options.protocol = plan_.version == v5 ? ProtocolChoice::v5 : ProtocolChoice::v3_1_1;
    options.maximum_qos = QoS::exactly_once;
    const MeterScope scope;
    relay.reset();
    upstream = std::make_unique<Upstream>(options);
    RelayOptions relay_opts = relay_options();
    for (Route& route : relay_opts.routes) route.qos = plan_.qos;
    relay_opts.poison_attempts = plan_.quirks.poison.empty() ? 1'000'000 : 3;
    relay = std::make_unique<Relay>(std::move(relay_opts), *upstream);
}

std::int64_t RelayWorld::relay_bytes() const { return support::metered_bytes() - bytes_before_; }

bool RelayWorld::is_quiet() const {
    return up_.empty() && in_.empty() && relay->upstream_output().empty() && relay->inner_output().empty() &&
           inner.queued() == 0 && remote.queued() == 0;
}

void RelayWorld::step(Duration by) {
    now += by;
    connects();
    {
        const MeterScope scope;
        if (relay->next_deadline() <= now) relay->on_time(now);
    }
    moves_up();
    moves_in();
    remote.step(rng);
    inner.step(rng);
    const MeterScope scope;
    while (relay->take_event()) {
    }
    relay_bytes_most = std::max(relay_bytes_most, relay_bytes());
}

void RelayWorld::connects() {
    const MeterScope scope;
    if (relay->is_closed() && !is_away && (is_eager || rng.one_in(3))) {
        remote.opened();
        relay->upstream_opened(now);
    }
    if (!relay->wants_inner()) return;
    inner.opened();
    relay->inner_opened(now);
}

std::string RelayWorld::piece(std::string& from) {
    const std::size_t count = from.empty() ? 0 : rng.below(from.size() + 1);
    std::string part = from.substr(0, count);
    from.erase(0, count);
    return part;
}

std::string RelayWorld::piece_of(Bytes output) {
    std::string bytes(as_text(output));
    return piece(bytes);
}

void RelayWorld::moves_up() {
    if (!remote.is_open()) return;
    const std::string part = piece_of(relay->upstream_output());
    if (!is_silent) remote.on_bytes(as_bytes(part), rng);
    up_ += piece(remote.output());
    if (is_silent) up_.clear();
    Bytes rest = as_bytes(up_);
    {
        const MeterScope scope;
        relay->upstream_sent(part.size(), now);
        relay->upstream_bytes(rest, now);
    }
    up_ = std::string(as_text(rest));
    if (remote.wants_close() || relay->wants_upstream_close())
        closes_upstream(remote.wants_close() ? Relay::Closed::by_peer : Relay::Closed::lost);
}

void RelayWorld::moves_in() {
    if (!inner.is_open()) return;
    const std::string part = piece_of(relay->inner_output());
    inner.on_bytes(as_bytes(part), rng);
    in_ += piece(inner.output());
    Bytes rest = as_bytes(in_);
    {
        const MeterScope scope;
        relay->inner_sent(part.size(), now);
        relay->inner_bytes(rest, now);
    }
    in_ = std::string(as_text(rest));
    if (inner.wants_close() || relay->wants_inner_close()) closes_inner();
}

void RelayWorld::closes_upstream(Relay::Closed how) {
    up_.clear();
    remote.closed();
    const MeterScope scope;
    relay->upstream_closed(how, now);
}

void RelayWorld::closes_inner() {
    in_.clear();
    inner.closed();
    const MeterScope scope;
    relay->inner_closed(now);
}

void RelayWorld::cuts() {
    if (remote.is_open()) closes_upstream(Relay::Closed::lost);
}

void RelayWorld::restarts() {
    up_.clear();
    in_.clear();
    remote.closed();
    inner.closed();
    starts_process();
}

void RelayWorld::breaks() {
    if (plan_.process_dies && rng.one_in(3))
        restarts();
    else if (rng.one_in(2))
        cuts();
    else if (inner.is_open())
        closes_inner();
}

}  // namespace ledge::bridge
