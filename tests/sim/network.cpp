// The network and the driver of the simulated world: pieces of streams, full windows, cut connections, time.
#include <algorithm>
#include <optional>
#include <utility>

#include "world.hpp"

namespace ledge::sim {

using wire::PacketType;

Client* World::client_of(const Link& link) {
    if (link.client < 0) return nullptr;
    Client* client = clients_[static_cast<std::size_t>(link.client)].get();
    return client->link() == &link ? client : nullptr;
}

Link* World::open_link(std::int32_t client) {
    auto link = std::make_unique<Link>();
    link->number = ++link_count_;
    link->client = client;
    link->connection = broker_.open(link.get(), now_);
    if (link->connection == nullptr) return nullptr;
    Event opened;
    opened.kind = Kind::opened;
    opened.client = client;
    opened.link = link->number;
    record(std::move(opened));
    links_.push_back(std::move(link));
    return links_.back().get();
}

// ---- To the broker

void World::move_up(Link& link, std::size_t most) {
    unsigned pieces = 0;
    while (most > 0 && !is_over() && link.connection != nullptr && !link.connection->is_closing()) {
        const std::size_t count = choose_piece(link, most);
        if (count == 0) break;
        give_up_piece(link, count);
        most -= count;
        // A driver reads once per connection and turn; sometimes the world has several turns in a row.
        if (!is_calm_ && ++pieces >= 64) break;
        if (rng_.one_in(4)) flush();
    }
}

// How many of the bytes that are under way arrive together.
std::size_t World::choose_piece(const Link& link, std::size_t most) {
    std::size_t count = std::min(most, link.up.size() - link.up_given);
    if (count == 0) return 0;
    const Parcel* next = link.up_parcels.empty() ? nullptr : &link.up_parcels.front();
    // While only the broker knows whether the session has expired, CONNECT stays on its way.
    const bool is_connect = next != nullptr && is_connect_of_client(link, *next);
    if (is_connect && (is_store_failed_ || !ledger_.is_certain(link.client, now_))) return 0;
    if (link.connection->is_postponed()) return 0;  // it is not read
    // It may be postponed, which is known when the broker has seen it.
    if (is_connect && ledger_.link_of(link.client) >= 0) count = std::min(count, next->end - link.up_given);
    // A publication may close the connection, for itself or for what it adds to the publisher's own queue: what stands
    // behind it is not looked at.
    if (may_close() && next != nullptr) count = std::min(count, next->end - link.up_given);
    switch (plan_.slicing) {
        case Slicing::single_bytes: return is_calm_ ? count : 1;
        case Slicing::random_pieces: return 1 + rng_.below(count);
        case Slicing::whole_bursts: return count;
    }
    return count;
}

// The history has the packets before the broker acts on them.
void World::give_up_piece(Link& link, std::size_t count) {
    const auto from = link.up.begin() + static_cast<std::ptrdiff_t>(link.up_given);
    const std::vector<Byte> piece(from, from + static_cast<std::ptrdiff_t>(count));
    link.up_given += count;
    bool is_any_whole = false;
    std::optional<Parcel> takeover;
    while (!link.up_parcels.empty() && link.up_parcels.front().end <= link.up_given) {
        const Parcel parcel = std::move(link.up_parcels.front());
        link.up_parcels.pop_front();
        is_any_whole = true;
        if (is_connect_of_client(link, parcel) && ledger_.link_of(link.client) >= 0)
            takeover = parcel;
        else if (link.client >= 0)
            announce(link, parcel);
    }
    if (!is_any_whole && link.client >= 0) {
        Event bytes;
        bytes.kind = Kind::bytes;
        bytes.client = link.client;
        bytes.link = link.number;
        record(std::move(bytes));
    }
    const std::uint64_t refusals = broker_.metrics().counters.refused_quota;
    broker_.on_bytes(*link.connection, piece, now_);
    if (takeover && !link.connection->is_postponed()) announce(link, *takeover);
    if (takeover && link.connection->is_postponed()) postpone(link, *std::move(takeover));
    link.is_refused = link.client >= 0 && broker_.metrics().counters.refused_quota > refusals;
    if (link.is_refused) ledger_.on_refused(link.client, link.last_id);
    watch_closings();
}

bool World::is_connect_of_client(const Link& link, const Parcel& parcel) {
    return link.client >= 0 && wire::type_of(parcel.frame) == PacketType::connect;
}

// Their turn has come: the broker has opened their sessions.
void World::announce_postponed() {
    for (std::size_t i = 0; i < links_.size(); ++i) {
        Link& link = *links_[i];
        const bool is_opened = link.postponed && link.connection != nullptr && !link.connection->is_postponed() &&
                               !link.connection->is_closing();
        if (is_opened) announce(link, *std::exchange(link.postponed, std::nullopt));
    }
}

// Of the connections that wait for their turn with one client identifier, the newest stays.
void World::postpone(Link& link, Parcel connect) {
    for (const auto& other : links_)
        other->is_superseded = other->is_superseded || (other->postponed && other->client == link.client);
    link.postponed = std::move(connect);
}

bool World::may_refuse() const {
    return is_store_failed_ || plan_.options.listeners[0].limits.overflow == session::OverflowPolicy::refuse;
}

bool World::may_close() const {
    return may_refuse() || plan_.options.listeners[0].limits.overflow == session::OverflowPolicy::spill;
}

void World::announce(Link& link, const Parcel& parcel) {
    Event event;
    event.kind = Kind::in;
    event.client = link.client;
    event.link = link.number;
    if (!describe(parcel.frame, link.version, link.up_aliases, event))
        return fail("clients speak correctly", to_string(event));
    record(event);
    tell_ledger(link, parcel, event);
}

void World::tell_ledger(Link& link, const Parcel& parcel, const Event& event) {
    const wire::Version version = link.version;
    switch (event.type) {
        case PacketType::connect:
            ledger_.on_connect(link.client, link.number, *wire::decode_connect(parcel.frame), now_);
            link.is_session_present = ledger_.session_present(link.client);
            return;
        case PacketType::publish:
            link.last_id = event.packet_id;
            return ledger_.on_publish(link.client, *wire::decode_publish(parcel.frame, version), event.text, now_);
        case PacketType::pubrel: return ledger_.on_pubrel(link.client, event.packet_id);
        case PacketType::subscribe:
            return ledger_.on_subscribe(link.client, *wire::decode_subscribe(parcel.frame, version), now_);
        case PacketType::unsubscribe:
            return ledger_.on_unsubscribe(link.client, *wire::decode_unsubscribe(parcel.frame, version), now_);
        case PacketType::disconnect:
            return ledger_.on_disconnect(link.client, version, *wire::decode_disconnect(parcel.frame, version), now_);
        default: return;
    }
}

// ---- To the client

void World::move_down(Link& link, std::size_t most) {
    Client* client = client_of(link);
    if (link.is_stalled && !is_calm_) return;
    link.down_given += std::min(most, link.in_transit());
    while (!link.down_parcels.empty() && link.down_parcels.front().end <= link.down_given && !is_over()) {
        Parcel parcel = std::move(link.down_parcels.front());
        link.down_parcels.pop_front();
        if (client == nullptr) continue;
        parcel.event.kind = Kind::got;
        // The CONNACK of 3.1 does not tell; that client has to be lucky.
        const bool is_untold = parcel.event.type == PacketType::connack && link.version == wire::Version::v3_1;
        if (is_untold) parcel.event.flag = link.is_session_present;
        client->on_packet(parcel.event, parcel.frame);
        record(std::move(parcel.event));
    }
    if (client != nullptr && link.connection == nullptr && link.in_transit() == 0) {
        link.is_client_gone = true;
        client->lose_link();
    }
}

void World::flush() {
    do {
        flush_once();
    } while (!is_over() && serve_store());
}

void World::flush_once() {
    while (session::Connection* connection = broker_.next_dirty()) {
        watch_closings();
        write_out(*static_cast<Link*>(connection->link()), *connection);
        if (is_over()) return;
    }
    for (std::size_t i = 0; i < links_.size(); ++i) {  // the network takes bytes again
        Link& link = *links_[i];
        if (link.connection == nullptr || link.connection->outbox().empty()) continue;
        if (!link.connection->sender().is_held() && link.in_transit() < link.window_bytes)
            write_out(link, *link.connection);
    }
}

// Between steps only: the steps hold references.
void World::bury() {
    std::erase_if(links_, [&](const auto& link) { return link->connection == nullptr && client_of(*link) == nullptr; });
}

void World::write_out(Link& link, session::Connection& connection) {
    const std::size_t room = link.window_bytes - std::min(link.window_bytes, link.in_transit());
    const std::vector<Byte> taken = broker_.take(connection, room);
    link.down.insert(link.down.end(), taken.begin(), taken.end());
    cut_parcels(link);
    if (is_over()) return;
    if (connection.is_closing()) {
        if (connection.outbox().empty()) close_at_broker(link);
        return;
    }
    if (connection.outbox().empty()) {
        Event drained;
        drained.kind = Kind::drained;
        drained.client = link.client;
        drained.link = link.number;
        if (link.client >= 0) record(std::move(drained));
    }
    if (!taken.empty()) broker_.on_drained(connection, now_);
    watch_closings();
}

void World::cut_parcels(Link& link) {
    bool is_broken = false;
    while (true) {
        const Bytes rest = Bytes(link.down).subspan(link.down_cut);
        const std::size_t size = packet_size(rest, is_broken);
        if (is_broken) return fail("the broker speaks correctly", "no packet in link" + std::to_string(link.number));
        if (size == 0) return;
        link.down_cut += size;
        if (link.client < 0) continue;
        Event event;
        event.kind = Kind::out;
        event.client = link.client;
        event.link = link.number;
        Parcel parcel{
            link.down_cut, std::vector<Byte>(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size)), {}};
        if (!describe(parcel.frame, link.version, link.down_aliases, event))
            return fail("the broker speaks correctly", to_string(event));
        parcel.event = event;
        link.down_parcels.push_back(std::move(parcel));
        announce_out(link, std::move(event));
    }
}

void World::announce_out(Link& link, Event event) {
    const bool is_error = wire::is_error(event.code);
    const bool is_refusal = is_error && (event.type == PacketType::puback || event.type == PacketType::pubrec);
    if (event.type == PacketType::disconnect) link.farewell = event.code;
    const bool may_be =
        event.type == PacketType::disconnect || event.type == PacketType::pubcomp || event.type == PacketType::pubrel;
    record(event);
    ledger_.on_answer(event);
    if (!is_error || may_be || is_store_failed_) return;
    if (event.type == PacketType::connack && link.is_superseded) return;
    if (!is_refusal || !may_refuse()) return fail("correct clients are not refused", to_string(event));
}

// ---- The ends of connections

void World::watch_closings() {
    for (std::size_t i = 0; i < links_.size(); ++i) {
        Link& link = *links_[i];
        if (link.connection == nullptr || link.is_closing_seen) continue;
        if (link.connection->is_closing()) {
            link.is_closing_seen = true;
            explain_closing(link);
            ledger_.on_gone(link.client, link.number, now_);
        } else {
            link.outbox_peak = std::max(link.outbox_peak, link.connection->outbox().size());
        }
    }
    drops_seen_ = broker_.metrics().counters.dropped_queue_full;
}

void World::explain_closing(Link& link) {
    if (link.client < 0) return;
    const session::SessionLimits& limits = plan_.options.listeners[0].limits;
    Event closing;
    closing.kind = Kind::closing;
    closing.client = link.client;
    closing.link = link.number;
    if (is_ending_) closing.text = "the end";
    if (link.is_superseded) closing.text = "superseded";
    if (link.outbox_peak + link.connection->outbox().size() > limits.outbox_bytes_fatal / 2) closing.text = "outbox";
    if (link.is_refused) closing.text = "refused";
    const bool has_dropped = broker_.metrics().counters.dropped_queue_full > drops_seen_;
    if (limits.overflow == session::OverflowPolicy::spill && has_dropped) closing.text = "its queue is full";
    if (is_store_failed_) closing.text = "store failed";
    record(std::move(closing));
}

void World::close_at_broker(Link& link) {
    ledger_.on_gone(link.client, link.number, now_);
    Event closed;
    closed.kind = Kind::closed;
    closed.client = link.client;
    closed.link = link.number;
    if (link.client >= 0) record(std::move(closed));
    session::Connection& connection = *link.connection;
    link.connection = nullptr;
    broker_.on_closed(connection, now_);
    ledger_.on_closed(link.number, now_);
    std::erase(strangers_, &link);
    watch_closings();
}

// The client's end is gone; what it has sent may still arrive, until the broker notices.
void World::cut(Link& link, bool broker_notices) {
    ++report_.cuts;
    link.is_client_gone = true;
    if (Client* client = client_of(link); client != nullptr) client->lose_link();
    std::erase(strangers_, &link);
    if (broker_notices && link.connection != nullptr) close_at_broker(link);
}

// ---- Time and memory

void World::advance(Duration span) {
    const Instant target = now_ + span;
    const auto next = [&] { return std::min(broker_.next_deadline(), store_deadline()); };
    for (unsigned timers = 0; next() <= target && !is_over(); ++timers) {
        now_ = std::max(now_, next());
        ledger_.on_time(now_);
        if (broker_.next_deadline() <= now_) broker_.on_time(now_);
        announce_postponed();
        watch_closings();
        flush();
        if (timers > 100'000) fail("timers make progress", "next_deadline() stays");
    }
    now_ = std::max(now_, target);
    ledger_.on_time(now_);
}

std::int64_t World::memory_max() const {
    const session::SessionLimits& limits = plan_.options.listeners[0].limits;
    constexpr std::int64_t message_max = 6000;  // the largest publication of this world, with its administration
    constexpr std::int64_t administration = 300;
    const auto queued = static_cast<std::int64_t>(limits.queue_bytes_max + limits.queue_window_bytes) +
                        administration * (limits.queue_messages_max + limits.queue_window_messages);
    const std::int64_t session = queued + message_max * limits.inflight_max + 16 * 1024;
    const auto outbox = 2 * static_cast<std::int64_t>(limits.outbox_bytes_fatal);  // a buffer grows by doubling
    const std::int64_t connection = outbox + 2 * std::int64_t{limits.max_packet_size_bytes} + 8 * 1024;
    const auto peers = static_cast<std::int64_t>(clients_.size() + plan_.strangers);
    constexpr std::int64_t pools = 2 * 1024 * 1024;  // kept for reuse; retained messages are few here
    return peers * session + static_cast<std::int64_t>(links_.size()) * connection + pools;
}

void World::check_memory(bool is_end) {
    constexpr std::int64_t end_max = 1536 * 1024;  // the pool of buffers, the tables, some retained messages
    Event memory;
    memory.kind = Kind::memory;
    memory.number = static_cast<std::uint32_t>(broker_.memory());
    memory.size = static_cast<std::uint32_t>(is_end ? end_max : memory_max());
    record(std::move(memory));
}

}  // namespace ledge::sim
