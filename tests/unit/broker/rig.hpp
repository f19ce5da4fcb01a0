// Rig: a Shard in virtual time, and clients that read and write its bytes. What a client gets is text, packets
// separated by " | ": "PUBLISH a/b on q1#3 dup retain {0b=7}", "PUBACK 3 no_matching_subscribers", "DISCONNECT ...".
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/session_facts.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/link_handle.hpp"
#include "ledge/session/login_queue.hpp"
#include "ledge/storage/memory_store.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::broker {

using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;
using wire::Version;

inline constexpr QoS qos0 = QoS::at_most_once;
inline constexpr QoS qos1 = QoS::at_least_once;
inline constexpr QoS qos2 = QoS::exactly_once;
inline constexpr Version v5 = Version::v5;
inline constexpr Version v311 = Version::v3_1_1;
inline constexpr Instant start{};

/// The policy as Shard::set_policy takes it.
inline std::shared_ptr<const auth::Policy> snapshot_of(auth::Policy policy) {
    return std::make_shared<auth::Policy>(std::move(policy));
}
inline constexpr std::uint64_t mib = 1024 * 1024;

/// The bytes of a packet as a client sends it.
template <class Packet>
std::string encoded(const Packet& packet, Version version) {
    std::vector<Byte> bytes(wire::encoded_size(packet, version));
    wire::Writer writer(bytes);
    wire::encode(packet, version, writer);
    return std::string(as_text(bytes));
}
std::string ack(wire::PacketType type, wire::PacketId id, Version version = v5);

/// A log that keeps the names of its events, and the last line of each: "key=value key=value".
struct EventLog {
    std::vector<std::string> events;
    std::map<std::string, std::string, std::less<>> last;  // by event
    Log log{LogLevel::debug,
            [](void* self, const LogRecord& record) {
                CHECK(mismatch_with_table(record) == "");
                static_cast<EventLog*>(self)->events.emplace_back(record.event);
                static_cast<EventLog*>(self)->last[std::string(record.event)] = line_of(record);
            },
            this};
    std::size_t count(std::string_view event) const;
    static std::string line_of(const LogRecord& record);
};

struct Wish {
    Version version = v5;
    bool clean = true;
    std::optional<std::uint32_t> expiry{};  // seconds
    std::uint16_t keep_alive = 0;
    std::optional<std::uint32_t> receive_maximum{};
    std::optional<std::uint32_t> packet_size_max{};
    std::optional<std::uint32_t> alias_max{};
    std::optional<wire::Will> will{};
    std::uint16_t listener = 0;
    std::optional<std::string_view> user{};
    std::optional<std::string_view> password{};
    std::string_view address = "192.0.2.1:1";
    std::string_view proven{};     // by TLS
    bool is_inner = false;         // a part of the program, named by `proven`
    std::string_view client_id{};  // "": the name of the client
};

/// A session that is kept for an hour, and resumed when there is one.
inline const Wish lasting{.clean = false, .expiry = 3600};
/// The same with a 3.1.1 client.
inline const Wish lasting_v311{.version = v311, .clean = false};

class Rig;

class Client : public session::LinkHandle {
public:
    Client(Rig& rig, std::string name) : rig_(rig), name_(std::move(name)) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Expects CONNACK success.
    Client& connects(const Wish& wish = {});
    /// Whatever the answer is.
    Client& tries_to_connect(const Wish& wish = {});
    Client& disconnects(ReasonCode code = ReasonCode::success, std::optional<std::uint32_t> expiry = {});
    Client& loses_connection();
    Client& sends(std::string_view bytes);
    /// Takes the SUBACK (unless it does not read) and demands that nothing is refused.
    Client& subscribes(std::string_view filter, wire::SubscribeOptions options = {}, std::uint32_t id = 0);
    Client& subscribes(std::string_view filter, QoS qos) { return subscribes(filter, wire::SubscribeOptions{qos}); }
    /// Whatever it is: "SUBACK 1 135".
    std::string answer_to_subscribe(std::string_view filter);
    Client& unsubscribes(std::string_view filter);
    /// Sends PUBLISH, takes the acknowledgement and goes through the rest of the exchange. The reason code as text;
    /// "" for QoS 0, "closed" without an answer.
    std::string publishes(std::string_view topic, std::string_view payload, QoS qos = qos0, bool retain = false,
                          const wire::PropertyBuilder& properties = {});
    Client& acks(wire::PacketId id) { return sends(ack(wire::PacketType::puback, id, version_)); }
    Client& recs(wire::PacketId id) { return sends(ack(wire::PacketType::pubrec, id, version_)); }
    Client& comps(wire::PacketId id) { return sends(ack(wire::PacketType::pubcomp, id, version_)); }

    Client& stops_reading();
    Client& reads_again();
    /// From now on QoS 1 and 2 are acknowledged as they come.
    Client& acknowledges();

    /// What came since.
    std::string takes();
    /// Packets that came and were not taken.
    const std::deque<std::string>& waiting() const { return got_; }
    void forgets() { got_.clear(); }
    bool is_open() const { return connection != nullptr; }

    session::Connection* connection = nullptr;

private:
    friend class Rig;
    void read();
    void digest();
    void acknowledge(const wire::Publish& packet);
    std::optional<std::string> take(std::string_view beginning);

    Rig& rig_;
    std::string name_;
    Version version_ = v5;
    std::string incoming_;
    std::string answers_;
    std::deque<std::string> got_;
    wire::PacketId last_id_ = 0;
    bool reads_ = true;
    bool acknowledges_ = false;
};

/// Options of a shard with one listener, anonymous allowed, without $SYS topics.
ShardOptions plain_options();
/// The same with a journal.
ShardOptions stored_options();
/// `options` with a memory budget.
ShardOptions with_budget(std::uint64_t bytes, ShardOptions options = plain_options());

class Rig {
public:
    explicit Rig(const ShardOptions& options = plain_options());
    explicit Rig(const session::SessionLimits& limits);
    ~Rig();

    /// Made on first use.
    Client& operator[](const std::string& name);
    Rig& passes(Duration duration);
    /// Turns of the driver until nothing moves.
    void settle();
    const Metrics& metrics() const { return shard->metrics(); }
    const session::Counters& counters() const { return shard->metrics().counters; }

    // With a store, when the options enable the journal: commits are done as soon as they are due, unless `writes` is
    // false; then by hand.
    void commits();
    /// A commit with what is pending has no room in the store; from now on `writes` is false, until it heals.
    void postpones();
    void heals();
    /// The broker is killed, and starts again from what was committed. Its clock makes `rest` of the time since.
    void restarts(Duration rest = {});
    /// The same with another configuration.
    void restarts_with(const ShardOptions& options);
    /// The broker is stopped as by SIGTERM, and starts again.
    void stops_and_starts();
    /// A kill in the middle of a commit of which the store keeps the first `records`: worse than any store should be.
    void restarts_torn(std::size_t records);

    EventLog log;
    Instant now = start;
    std::unique_ptr<storage::MemoryStore> store;
    bool writes = true;
    std::optional<journal::Batch> postponed;
    std::unique_ptr<Shard> shard;

private:
    void commits_once();
    Instant next_deadline() const;
    void start_from_store();
    void start_again(std::size_t records_kept, Duration rest);

    ShardOptions options_;
    std::map<std::string, Client> clients_;
};

}  // namespace ledge::broker
