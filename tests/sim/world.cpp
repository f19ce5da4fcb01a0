#include "world.hpp"

#include <algorithm>
#include <cstdio>

#include "stranger.hpp"

namespace ledge::sim {

namespace {

LedgerRules rules_of(const Plan& plan) {
    const session::SessionLimits& limits = plan.options.listeners[0].limits;
    const broker::DurabilityOptions& durability = plan.options.durability;
    return {limits.session_expiry_v3_s, limits.session_expiry_max_s, plan.has_store, durability.overrides};
}

}  // namespace

World::World(std::uint64_t seed, const Plan& plan)
    : plan_(plan),
      rng_(seed),
      broker_(plan_.options, seed),
      now_(Instant{} + 1h),
      ledger_(plan_.clients.size(), rules_of(plan_), [this](Event event) { record(std::move(event)); }),
      checkers_(all_checkers()) {
    report_.seed = seed;
    for (std::size_t i = 0; i < plan_.clients.size(); ++i) {
        clients_.push_back(
            std::make_unique<Client>(static_cast<std::int32_t>(i), plan_.clients[i], plan_, press_, rng_));
    }
    now_ = broker_.start(now_);
}

World::~World() { broker_.kill(); }

Report World::run() {
    while (!is_over() && step_ < plan_.steps) step();
    if (!is_over()) settle();
    if (!is_over()) finish();
    if (!is_over()) plan_.ends_with_shutdown ? shut_down() : tear_down();
    return report_;
}

void World::record(Event event) {
    event.step = step_;
    event.at = now_;
    report_.hash = mix(report_.hash, event);
    ++report_.events;
    if (is_publish(event, Kind::got)) ++report_.deliveries;
    if (is_tracing_) std::fprintf(stderr, "%s\n", to_string(event).c_str());
    latest_.push_back(event);
    if (latest_.size() > 60) latest_.pop_front();
    for (const auto& checker : checkers_) {
        checker->on(event);
        if (checker->objection()) fail(std::string(checker->name()), *checker->objection());
    }
}

void World::fail(const std::string& name, const std::string& why) {
    if (is_over()) return;
    std::string text =
        "seed " + std::to_string(report_.seed) + ", step " + std::to_string(step_) + ": " + name + ": " + why + "\n";
    if (plan_.crash_at != 0)
        text += "    crash after step " + std::to_string(plan_.crash_at) +
                (plan_.is_commit_kept ? ", with" : ", without") + " the commit under way\n";
    for (const Event& event : latest_) text += "    " + to_string(event) + "\n";
    report_.failure = std::move(text);
}

// ---- The ordinary course. One draw per statement: compilers differ in the order of arguments, a seed must not.

void World::step() {
    ++step_;
    bury();
    advance(Duration(static_cast<std::int64_t>(rng_.below(20'000))));
    connect_somebody();
    clients_[rng_.below(clients_.size())]->act();
    disturb();
    if (!links_.empty()) {
        Link& upwards = *links_[rng_.below(links_.size())];
        move_up(upwards, 1 + rng_.below(400));
        Link& downwards = *links_[rng_.below(links_.size())];
        move_down(downwards, 1 + rng_.below(800));
    }
    flush();
    if (step_ == plan_.crash_at) kill_broker(plan_.is_commit_kept);
    if (step_ % 50 == 0) check_memory(false);
    if (!broker_.complaint().empty()) fail("nothing is wrong with what the store gives back", broker_.complaint());
}

void World::connect_somebody() {
    if (!rng_.one_in(4)) return;
    Client& client = *clients_[rng_.below(clients_.size())];
    if (client.link() != nullptr) return;
    const ClientPlan& plan = client.plan();
    const bool is_new = plan.version == wire::Version::v5 ? plan.is_anonymous || rng_.one_in(8)
                                                          : !plan.is_persistent || rng_.one_in(10);
    connect(client, is_new);
}

void World::connect(Client& client, bool clean_start) {
    const auto number = static_cast<std::int32_t>(
        std::find_if(clients_.begin(), clients_.end(), [&](const auto& any) { return any.get() == &client; }) -
        clients_.begin());
    // Nobody can take over from a client without a name.
    const bool is_still_there =
        std::any_of(links_.begin(), links_.end(), [&](const auto& link) { return link->client == number; });
    if (client.plan().is_anonymous && is_still_there) return;
    Link* link = open_link(number);
    if (link == nullptr) return;
    link->version = client.plan().version;
    link->window_bytes = is_calm_ ? 1U << 20U : client.plan().window_bytes;
    client.connect(*link, clean_start);
}

// What the world does to them all.
void World::disturb() {
    if (links_.empty() || rng_.one_in(plan_.leap_one_in)) leap();
    if (plan_.kill_one_in != 0 && rng_.one_in(plan_.kill_one_in)) kill_broker(plan_.has_store && rng_.one_in(2));
    disturb_store();
    if (strangers_.size() < plan_.strangers && rng_.one_in(10)) {
        if (Link* link = open_link(-1); link != nullptr) strangers_.push_back(link);
    }
    if (!strangers_.empty()) {
        Link& stranger = *strangers_[rng_.below(strangers_.size())];
        say_something_hostile(stranger, rng_, static_cast<std::int32_t>(rng_.below(2)));
    }
    if (links_.empty()) return;
    Link& link = *links_[rng_.below(links_.size())];
    if (rng_.one_in(plan_.stall_one_in)) link.is_stalled = !link.is_stalled;
    if (rng_.one_in(plan_.cut_one_in)) return cut(link, rng_.one_in(2));
    const bool is_half_open = link.is_client_gone && link.connection != nullptr;
    const bool is_stuck = link.connection != nullptr && link.connection->is_closing();
    if ((is_half_open || is_stuck) && rng_.one_in(10)) close_at_broker(link);
}

void World::leap() { advance(Duration(static_cast<std::int64_t>(rng_.below(4'000'000)))); }

// ---- The end: everybody gets what is theirs

void World::settle() {
    is_calm_ = true;
    plan_.fail_one_in = 0;
    for (const auto& client : clients_) client->calm_down();
    while (!strangers_.empty()) cut(*strangers_.back(), true);
    for (std::size_t i = 0; i < links_.size(); ++i) {
        links_[i]->is_stalled = false;
        links_[i]->window_bytes = 1U << 20U;
    }
    constexpr unsigned rounds_max = 600;  // of half a second
    for (unsigned round = 0; round < rounds_max && !is_over(); ++round) {
        ++step_;
        calm_round();
        if (is_quiet()) return;
        advance(500ms);
    }
    if (!is_over()) fail("the world comes to rest", "something is still waited for");
}

// Until nothing moves any more.
void World::calm_round() {
    if (is_store_failed_) kill_broker(false);
    bury();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        Client& client = *clients_[i];
        const auto number = static_cast<std::int32_t>(i);
        if (client.link() == nullptr && ledger_.has_session(number) && ledger_.link_of(number) < 0)
            connect(client, false);
        if (client.is_connected() && !client.is_over()) client.ping();
    }
    for (unsigned turn = 0; turn < 2000 && !is_over(); ++turn) {
        const std::uint64_t before = report_.events;
        for (std::size_t i = 0; i < links_.size(); ++i) {
            if (links_[i]->is_client_gone && links_[i]->connection != nullptr) close_at_broker(*links_[i]);
        }
        for (const auto& client : clients_) client->acknowledge(1000);
        for (std::size_t i = 0; i < links_.size(); ++i) move_up(*links_[i], 1U << 20U);
        flush();
        for (std::size_t i = 0; i < links_.size(); ++i) move_down(*links_[i], 1U << 20U);
        flush();
        if (report_.events == before) return;
    }
    if (!is_over()) fail("the world comes to rest", "packets without end");
}

bool World::is_quiet() const {
    const bool is_idle = std::all_of(clients_.begin(), clients_.end(), [](const auto& client) {
        return client->link() == nullptr || (client->is_connected() && client->is_idle());
    });
    return is_idle && ledger_.is_settled(now_) && store_deadline() == never;
}

void World::finish() {
    Event finished;
    finished.kind = Kind::finished;
    report_.counted_losses = losses_before_ + broker_.metrics().counters.dropped_queue_full;
    finished.number = static_cast<std::uint32_t>(report_.counted_losses);
    record(std::move(finished));
    if (!plan_.is_tight && report_.counted_losses != 0)
        fail("no losses without tight limits", std::to_string(report_.counted_losses));
    const broker::Metrics metrics = broker_.metrics();
    if (metrics.counters.queued_messages != 0) {
        fail("queues empty at the end", std::to_string(metrics.counters.queued_messages) +
                                            " messages are still queued, " + std::to_string(metrics.clients_connected) +
                                            " clients, " + std::to_string(metrics.sessions) + " sessions");
    }
}

// Every session is ended by its client; then nothing but the retained messages may be left.
void World::tear_down() {
    is_ending_ = true;
    for (const auto& client : clients_) {
        if (!client->is_connected()) continue;
        const bool needs_clean_start = client->plan().version != wire::Version::v5 && client->plan().is_persistent;
        if (needs_clean_start) {
            cut(*client->link(), true);
            connect(*client, true);
        } else {
            client->disconnect(true);
        }
    }
    for (unsigned round = 0; round < 4; ++round) {  // CONNACK may wait for a commit
        calm_round();
        for (const auto& client : clients_) {
            if (client->is_connected() && !client->is_over()) client->disconnect(true);
        }
        if (broker_.has_store()) advance(500ms);
    }
    calm_round();
    advance(100s);  // strangers' sessions and wills, too
    flush();
    if (const std::size_t sessions = broker_.metrics().sessions; sessions != 0) {
        fail("no session left at the end", std::to_string(sessions) + " sessions");
    }
    const std::size_t rows = broker_.has_store() ? broker_.rows_of_sessions() : 0;
    if (rows != 0) fail("nothing of them left in the store", std::to_string(rows) + " rows");
    check_memory(true);
}

void World::shut_down() {
    is_ending_ = true;
    broker_.shut_down(now_);
    watch_closings();
    std::vector<const Link*> told;
    for (const auto& link : links_) {
        if (link->connection == nullptr) continue;
        if (!link->connection->is_closing())
            fail("shutdown closes everything", "link" + std::to_string(link->number) + " stays open");
        const Client* client = client_of(*link);
        const bool must_be_told =
            client != nullptr && client->is_connected() && !client->is_over() && link->version == wire::Version::v5;
        if (must_be_told) told.push_back(link.get());
    }
    while (session::Connection* connection = broker_.next_dirty())
        write_out(*static_cast<Link*>(connection->link()), *connection);
    for (const Link* link : told) {
        if (link->farewell != wire::ReasonCode::server_shutting_down) {
            fail("shutdown tells v5 clients", "link" + std::to_string(link->number) + " was not told 0x8B");
        }
    }
}

}  // namespace ledge::sim
