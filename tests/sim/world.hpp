// World: one seed's simulated world: a broker, clients, strangers, a network and the time between them. Single-threaded
// and deterministic: the same seed gives the same history, which is what replay relies on.
//
//     clients ──up──► network ──pieces──► broker      every packet that crosses a border becomes an Event;
//     clients ◄─down─ network ◄─pieces─── broker      the ledger adds what follows; the checkers judge
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker_seat.hpp"
#include "checker.hpp"
#include "client.hpp"
#include "ledger.hpp"
#include "link.hpp"
#include "plan.hpp"

namespace ledge::sim {

struct Report {
    std::uint64_t seed = 0;
    std::optional<std::string> failure;  // checker, step, objection and the last events
    std::uint64_t hash = 0;              // of the whole history
    std::uint64_t events = 0;
    std::uint64_t deliveries = 0;  // PUBLISH packets that reached a client
    std::uint64_t counted_losses = 0;
    std::uint64_t cuts = 0;
    std::uint64_t kills = 0;
    std::uint64_t commits = 0;
};

class World {
public:
    explicit World(std::uint64_t seed) : World(seed, Plan(seed)) {}
    World(std::uint64_t seed, const Plan& plan);
    ~World();

    /// Runs to the end or to the first objection.
    Report run();

    /// Prints every event to standard error as it happens.
    void trace() {
        is_tracing_ = true;
        broker_.trace();
    }

private:
    // world.cpp: the course of events
    void step();
    void settle();
    void finish();
    void tear_down();
    void shut_down();
    void connect_somebody();
    void connect(Client& client, bool clean_start);
    void disturb();
    void leap();
    void calm_round();
    bool is_quiet() const;
    void record(Event event);
    void fail(const std::string& name, const std::string& why);
    bool is_over() const { return report_.failure.has_value(); }

    // crashes.cpp: the store, and its end
    bool serve_store();
    void end_commit();
    Instant store_deadline() const;
    void disturb_store();
    void kill_broker(bool is_kept);

    // network.cpp: bytes and connections
    Link* open_link(std::int32_t client);
    void move_up(Link& link, std::size_t most);
    void give_up_piece(Link& link, std::size_t count);
    std::size_t choose_piece(const Link& link, std::size_t most);
    static bool is_connect_of_client(const Link& link, const Parcel& parcel);
    void announce_postponed();
    void postpone(Link& link, Parcel connect);
    void announce(Link& link, const Parcel& parcel);
    void tell_ledger(Link& link, const Parcel& parcel, const Event& event);
    void move_down(Link& link, std::size_t most);
    void flush();
    void flush_once();
    void bury();
    void write_out(Link& link, session::Connection& connection);
    void cut_parcels(Link& link);
    void announce_out(Link& link, Event event);
    void watch_closings();
    void explain_closing(Link& link);
    void close_at_broker(Link& link);
    void cut(Link& link, bool broker_notices);
    void advance(Duration span);
    void check_memory(bool is_end);
    Client* client_of(const Link& link);
    std::int64_t memory_max() const;
    bool may_refuse() const;
    bool may_close() const;

    Plan plan_;
    Rng rng_;
    BrokerSeat broker_;
    Instant now_{};
    std::uint64_t step_ = 0;
    Press press_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Link>> links_;  // those with at least one open end
    std::int32_t link_count_ = 0;
    std::vector<Link*> strangers_;
    Ledger ledger_;
    std::vector<std::unique_ptr<Checker>> checkers_;
    std::deque<Event> latest_;
    std::uint64_t losses_before_ = 0;  // counted by brokers that were killed
    std::uint64_t drops_seen_ = 0;     // of counters.dropped_queue_full, when connections were last looked at
    bool is_tracing_ = false;
    bool is_calm_ = false;
    bool is_store_failed_ = false;
    Instant commit_ends_at_{};
    bool is_ending_ = false;
    Report report_;
};

}  // namespace ledge::sim
