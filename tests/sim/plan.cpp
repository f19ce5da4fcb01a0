#include "plan.hpp"

#include <algorithm>

namespace ledge::sim {

namespace {

template <class T, std::size_t Count>
T any_of(Rng& rng, const T (&choices)[Count]) {
    return choices[rng.below(Count)];
}

ClientPlan make_client(Rng& rng) {
    ClientPlan client;
    client.version = any_of(
        rng, {wire::Version::v5, wire::Version::v5, wire::Version::v3_1_1, wire::Version::v3_1_1, wire::Version::v3_1});
    const bool is_v5 = client.version == wire::Version::v5;
    client.is_anonymous = rng.one_in(10) && client.version != wire::Version::v3_1;
    client.is_sharer = is_v5 && !client.is_anonymous && rng.one_in(3);
    client.is_persistent = !client.is_anonymous && !rng.one_in(4);
    client.acking = any_of(rng, {Acking::prompt, Acking::prompt, Acking::late, Acking::never});
    client.keep_alive_s = any_of<std::uint16_t>(rng, {0, 0, 2, 5, 60});
    client.has_will = rng.one_in(2);
    client.window_bytes = any_of<std::uint32_t>(rng, {1U << 20U, 1U << 20U, 4000, 300, 40});
    client.chattiness = any_of<std::uint32_t>(rng, {100, 100, 50, 10});
    if (!is_v5) return client;
    client.session_expiry_s = client.is_persistent ? any_of<std::uint32_t>(rng, {3, 20, 600, 0xFFFF'FFFF}) : 0;
    client.receive_maximum = any_of<std::uint16_t>(rng, {0, 1, 2, 5, 30});
    client.packet_size_max = any_of<std::uint32_t>(rng, {0, 0, 0, 400});
    client.alias_maximum = any_of<std::uint16_t>(rng, {0, 1, 3, 100});
    client.will_delay_s = any_of<std::uint32_t>(rng, {0, 0, 2, 10});
    return client;
}

void tighten(Rng& rng, session::SessionLimits& limits) {
    limits.queue_messages_max = any_of<std::uint32_t>(rng, {2, 5, 20});
    limits.queue_bytes_max = any_of<std::uint64_t>(rng, {1000, 20'000});
    limits.inflight_max = any_of<std::uint16_t>(rng, {1, 3, 10});
    limits.outbox_bytes_max = any_of<std::uint64_t>(rng, {200, 2000});
    limits.outbox_bytes_fatal = 16 * 1024;
    limits.overflow = any_of(rng, {session::OverflowPolicy::drop_oldest, session::OverflowPolicy::drop_newest,
                                   session::OverflowPolicy::refuse, session::OverflowPolicy::spill});
}

session::ListenerOptions make_listener(Rng& rng, bool is_tight) {
    session::ListenerOptions listener;
    listener.name = "sim";
    listener.allow_anonymous = true;
    session::SessionLimits& limits = listener.limits;
    limits.max_packet_size_bytes = 20'000;
    limits.receive_maximum = any_of<std::uint16_t>(rng, {1, 3, 10, 100});
    limits.topic_alias_max_in = any_of<std::uint16_t>(rng, {0, 2, 64});
    limits.topic_alias_max_out = any_of<std::uint16_t>(rng, {0, 2, 16});
    limits.session_expiry_max_s = 60;
    limits.session_expiry_v3_s = any_of<std::uint32_t>(rng, {20, 60});
    limits.queue_qos0_offline = rng.one_in(4);
    limits.queue_bytes_max = 1024 * 1024;
    limits.outbox_bytes_max = 64 * 1024;
    limits.outbox_bytes_fatal = 256 * 1024;
    if (is_tight) tighten(rng, limits);
    return listener;
}

// Commits that are late, few or many; a window of one message or of all; topics that promise less.
void add_store(Rng& rng, Plan& plan) {
    using journal::Durability;
    plan.has_store = true;
    broker::DurabilityOptions& durability = plan.options.durability;
    durability.journal.is_enabled = true;
    durability.journal.commit_delay = any_of<Duration>(rng, {0ms, 1ms, 5ms, 50ms});
    durability.journal.lazy_interval = any_of<Duration>(rng, {100ms, 1s, 5s});
    durability.journal.bytes_urgent = any_of<std::uint64_t>(rng, {1024 * 1024, 2000});
    if (rng.one_in(2)) durability.overrides = {{"b/#", Durability::relaxed}, {"deep/#", Durability::ram}};
    session::SessionLimits& limits = plan.options.listeners[0].limits;
    limits.queue_window_messages = any_of<std::uint32_t>(rng, {1, 2, 10, 200});
    limits.queue_window_bytes = any_of<std::uint32_t>(rng, {100, 256 * 1024});
    if (plan.is_tight) {
        limits.queue_stored_messages_max = limits.queue_messages_max;
        limits.queue_stored_bytes_max = limits.queue_bytes_max;
    }
    plan.commit_time_max = any_of<Duration>(rng, {0ms, 5ms, 50ms, 500ms});
    plan.kill_one_in = any_of<std::uint32_t>(rng, {50, 150, 400});
    plan.fail_one_in = any_of<std::uint32_t>(rng, {0, 0, 0, 400});
    plan.rest = any_of(rng, {Rest::exact, Rest::exact, Rest::nothing, Rest::too_long});
}

}  // namespace

Plan::Plan(std::uint64_t seed, bool with_store) {
    Rng rng(seed * 0x2545'F491'4F6C'DD1DU + 1);
    is_tight = rng.one_in(3);
    options.listeners = {make_listener(rng, is_tight)};
    options.share_strategy =
        any_of(rng, {broker::ShareStrategy::round_robin, broker::ShareStrategy::random,
                     broker::ShareStrategy::sticky_publisher, broker::ShareStrategy::least_inflight});
    options.sys_interval = rng.one_in(4) ? Duration(10s) : Duration::zero();
    const std::uint64_t count = 2 + rng.below(6);
    for (std::uint64_t i = 0; i < count; ++i) clients.push_back(make_client(rng));
    strangers = static_cast<std::uint32_t>(rng.below(3));
    steps = 400 + static_cast<std::uint32_t>(rng.below(1200));
    slicing =
        any_of(rng, {Slicing::single_bytes, Slicing::random_pieces, Slicing::random_pieces, Slicing::whole_bursts});
    cut_one_in = any_of<std::uint32_t>(rng, {20, 60, 200, 1000});
    stall_one_in = any_of<std::uint32_t>(rng, {10, 50, 500});
    leap_one_in = any_of<std::uint32_t>(rng, {20, 100, 1000});
    kill_one_in = rng.one_in(8) ? 500 : 0;
    large_one_in = any_of<std::uint32_t>(rng, {4, 20, 1000});
    ends_with_shutdown = rng.one_in(3);
    if (with_store) add_store(rng, *this);
}

Plan Plan::of_crash_points(std::uint64_t seed) {
    Plan plan(seed, true);
    plan.steps = 150;
    plan.strangers = 0;
    plan.kill_one_in = plan.fail_one_in = 0;
    plan.leap_one_in = std::max<std::uint32_t>(plan.leap_one_in, 100);
    for (ClientPlan& client : plan.clients) client.chattiness = 100;
    return plan;
}

}  // namespace ledge::sim
