// Script: a broker::Shard in virtual time and the clients around it. Scripts read as sentences:
//     Script s;
//     s.client("meter").connects(v5, resume).subscribes("a/+", QoS::at_least_once);
//     s.client("lamp").connects().publishes("a/b", "on", QoS::at_least_once);
//     s.client("meter").gets(publish("a/b", "on").qos1(1)).acknowledges(1);
//     s.nothing_else();
// connects, subscribes, unsubscribes and publishes expect to succeed and take the answers themselves; `sends` and
// `sends_raw` expect nothing. Everything the broker sends is decoded and held against the rules that hold for every
// packet (see Client::check), so a script also fails on what it does not ask for.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/link_handle.hpp"
#include "packet.hpp"

namespace ledge::spec {

using namespace std::chrono_literals;
using std::chrono::seconds;
using Id = wire::PropertyId;
inline constexpr QoS qos0 = QoS::at_most_once;
inline constexpr QoS qos1 = QoS::at_least_once;
inline constexpr QoS qos2 = QoS::exactly_once;
inline constexpr QoS every_qos[] = {qos0, qos1, qos2};

/// Line of the script that asked, for failure messages.
struct Here {
    const char* file;
    int line;
    static Here now(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

struct WillMessage {
    std::string topic{};
    std::string payload{};
    QoS qos = QoS::at_most_once;
    bool retain = false;
    PropertyValues properties{};
};

struct ConnectOptions {
    std::optional<std::string> client_id{};  // default: the client's name in the script
    bool clean = true;                       // Clean Start, Clean Session
    seconds keep_alive = 0s;
    std::optional<seconds> session_expiry{};
    std::optional<std::uint32_t> receive_maximum{};
    std::optional<std::uint32_t> maximum_packet_size{};
    std::optional<std::uint32_t> topic_alias_maximum{};
    std::optional<std::uint32_t> request_response_information{};
    std::optional<std::uint32_t> request_problem_information{};
    std::optional<WillMessage> will{};
    std::optional<std::string> user_name{};
    std::optional<std::string> password{};
    PropertyValues properties{};  // further ones
};

/// A session that outlives its connection: Clean Session 0, or Clean Start 0 and an expiry of one hour.
extern const ConnectOptions resume;

PropertyValue property(PropertyId id, std::uint32_t number);
PropertyValue property(PropertyId id, std::string_view text);

/// The CONNECT packet on the wire.
std::string encode_connect(Version version, std::string_view client_id, const ConnectOptions& options);

class Script;

class Client : public session::LinkHandle {
public:
    Client(Script& script, std::string name) : script_(script), name_(std::move(name)) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Connecting
    Client& connects(Version version, const ConnectOptions& options = {}, Here at = Here::now());
    Client& connects(const ConnectOptions& options = {}, Here at = Here::now());
    /// A connection without a byte on it; what comes back is read as `version`.
    Client& opens(Version version, std::uint16_t listener = 0, Here at = Here::now());
    Client& disconnects(ReasonCode code = ReasonCode::success, Here at = Here::now());
    Client& disconnects(const Packet& packet, Here at = Here::now());
    Client& loses_connection(Here at = Here::now());

    // Doing something that must succeed
    Client& subscribes(const char* filter, QoS qos = QoS::at_most_once, std::uint32_t subscription_id = 0,
                       Here at = Here::now());
    Client& subscribes(std::vector<Filter> filters, std::uint32_t subscription_id = 0, Here at = Here::now());
    Client& unsubscribes(const char* filter, Here at = Here::now());
    Client& publishes(std::string_view topic, std::string_view payload, QoS qos = QoS::at_most_once,
                      Here at = Here::now());
    /// Packet id and the QoS 2 exchange are filled in.
    Client& publishes(Packet packet, Here at = Here::now());
    Client& pings(Here at = Here::now());

    // Sending what one likes
    Client& sends(const Packet& packet, Here at = Here::now());
    Client& sends_raw(std::string_view bytes, Here at = Here::now());
    Client& sends_raw(std::initializer_list<int> values, Here at = Here::now());
    /// Each byte in a segment of its own.
    Client& sends_byte_by_byte(std::string_view bytes, Here at = Here::now());
    Client& acknowledges(std::uint16_t id, Here at = Here::now());  // PUBACK
    Client& receives(std::uint16_t id, Here at = Here::now());      // PUBREC, takes the PUBREL
    Client& completes(std::uint16_t id, Here at = Here::now());     // PUBCOMP
    /// From now on QoS 1 and 2 messages are acknowledged as they come; gets() sees the PUBLISH packets only.
    Client& acknowledges_automatically(bool value = true);

    // Expecting
    Client& gets(const Packet& expected, Here at = Here::now());
    Client& gets_in_any_order(std::vector<Packet> expected, Here at = Here::now());
    Client& gets_nothing(Here at = Here::now());
    /// v5: DISCONNECT with this code, then closed. 3.x: closed without a word.
    Client& is_disconnected(ReasonCode code, Here at = Here::now());
    /// CONNACK with this code (3.x: this return code), then closed.
    Client& is_refused(ReasonCode code, std::uint8_t return_code_v3 = 0, Here at = Here::now());
    /// The broker has closed the connection and sent nothing that is not taken yet.
    Client& is_closed(Here at = Here::now());
    Client& is_connected(Here at = Here::now());

    /// What comes on this connection is collected in raw() and neither decoded nor checked.
    Client& reads_raw();
    const std::string& raw() const { return incoming_; }
    Client& stops_reading();
    Client& reads_again();

    /// The packet taken last; valid until the next one is taken.
    const Packet& last() const { return last_; }
    /// Takes whatever has come.
    std::vector<Packet> takes_all(Here at = Here::now());
    std::size_t waiting() const { return inbox_.size(); }
    std::uint16_t next_id();
    Version version() const { return version_; }
    const std::string& name() const { return name_; }

private:
    friend class Script;

    void settle(Here at);
    Packet take(PacketType type, std::uint16_t id, Here at);
    void write(std::string_view bytes, Here at);
    void note_sent(const Packet& packet);
    bool drain();
    bool digest(Here at);
    void on_frame(Bytes frame, Here at);
    void check(const Packet& packet, std::size_t size, Here at);
    void check_publish(const Packet& packet, Here at);
    void acknowledge_automatically(const Packet& packet);
    void violation(std::string_view rule, const Packet& packet, Here at);
    void on_close_by_broker();
    void forget_connection();
    void must_be_open(Here at);

    Script& script_;
    std::string name_;
    Version version_ = Version::v5;
    ConnectOptions options_;
    session::Connection* connection_ = nullptr;
    std::string incoming_;
    std::string answers_;  // of a client that acknowledges automatically, sent after what came was read
    std::deque<Packet> inbox_;
    Packet last_;
    std::uint16_t last_id_ = 0;
    bool awaits_connack_ = false;  // connects() was not yet answered by a look at the CONNACK
    bool has_connack_ = false;
    bool has_disconnect_ = false;
    bool is_closed_by_broker_ = false;
    bool is_close_noticed_ = true;
    bool reads_ = true;
    bool is_raw_ = false;
    bool acknowledges_ = false;
    std::set<std::uint16_t> unacknowledged_;  // PUBLISH taken on this connection, not yet answered for good
    std::map<std::uint32_t, std::string> aliases_;
};

class Script {
public:
    using Tweak = void (*)(broker::ShardOptions&);

    explicit Script(Version version = v5, Tweak tweak = nullptr);
    explicit Script(Tweak tweak) : Script(v5, tweak) {}
    ~Script();
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    /// The client of that name; made on first use.
    Client& client(std::string_view name);
    /// Virtual time goes on; every deadline in between is kept.
    Script& passes(Duration duration, Here at = Here::now());
    /// No client has a packet that was not asked for, or was closed without notice.
    void nothing_else(Here at = Here::now());
    void shuts_down(Here at = Here::now());

    broker::Shard& shard() { return *shard_; }
    Instant now() const { return now_; }
    Version version() const { return version_; }

private:
    friend class Client;

    void pump(Here at);
    void note(std::string line);
    [[noreturn]] void fail(Here at, const std::string& message);
    static void log_sink(void* context, const LogRecord& record);

    Version version_;
    broker::ShardOptions options_;
    std::vector<std::string> trace_;
    Log log_;
    Instant now_;
    std::unique_ptr<broker::Shard> shard_;
    std::map<std::string, std::unique_ptr<Client>, std::less<>> clients_;
};

}  // namespace ledge::spec
