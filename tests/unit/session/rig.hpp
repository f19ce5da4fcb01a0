// Rig: one Connection and its Session without a broker. The test plays the peer (bytes in, packets out as text) and the
// broker (what the connection asks for is done as simply as possible, and noted).
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log_events.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/core_services.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/retained_feed.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;
using wire::Version;

inline constexpr QoS qos0 = QoS::at_most_once;
inline constexpr QoS qos1 = QoS::at_least_once;
inline constexpr QoS qos2 = QoS::exactly_once;
inline constexpr Instant start{};

/// Everything in the outbox, and nothing is consumed.
std::string unsent(const Outbox& outbox);
/// A publication to be delivered, on its own blob.
Delivery delivery(std::string_view topic, std::string_view payload, QoS qos, Instant expires_at = never);

/// One more delivery like it, which delays no acknowledgement.
Delivery copy_of(const Delivery& delivery);

/// The bytes of a packet as a client sends it.
template <class Packet>
std::string encoded(const Packet& packet, Version version) {
    std::vector<Byte> bytes(wire::encoded_size(packet, version));
    wire::Writer writer(bytes);
    wire::encode(packet, version, writer);
    return std::string(as_text(bytes));
}
std::string encoded(const wire::Connect& packet);
std::string puback(wire::PacketId id);
std::string pubrec(wire::PacketId id, ReasonCode code = ReasonCode::success);
std::string pubrel(wire::PacketId id);
std::string pubcomp(wire::PacketId id);
std::string publish(std::string_view topic, std::string_view payload, QoS qos = qos0, wire::PacketId id = 0,
                    wire::PropertyBuilder properties = {});

/// CONNECT of client "c", to be changed by the test. `properties` must outlive it.
wire::Connect connect_v5(const wire::PropertyBuilder* properties = nullptr);
wire::Connect connect_v311();

/// One packet of the broker as text: "PUBLISH a/b on q1#3 dup retain {23=1}", "PUBREL 3 packet_identifier_not_found",
/// "CONNACK success present". Properties are shown for PUBLISH: id in hex, value.
std::string describe(Bytes frame, Version version);

class Rig {
public:
    explicit Rig(const journal::JournalOptions& journal = {}, journal::StoreReader* store = nullptr);
    ~Rig();

    // The peer
    void opens();  // a connection; without a byte on it
    void connects(const wire::Connect& wish = connect_v5(), bool resumes = false);
    void sends(std::string_view bytes);
    void is_gone();  // the socket is closed: the connection ends, the session stays
    /// What came since, " | " between the packets; the outbox is empty afterwards.
    std::string takes();
    bool is_closing() const { return connection->is_closing(); }
    bool is_in_auth_exchange() const {
        const Connection& c = *connection;
        return !c.is_connected() && !c.is_closing() && !c.is_awaiting_connect() && !c.is_awaiting_answer();
    }

    /// A delivery comes up for the session at `at`.
    void delivers(Delivery delivery, Instant at);
    /// Virtual time goes on; due timers of the connection fire.
    void passes(Duration duration);

    // The core
    Log log{LogLevel::debug, [](void*, const LogRecord& record) { CHECK(mismatch_with_table(record) == ""); }, nullptr};
    CoreServices services;
    ListenerOptions listener;
    std::unique_ptr<Session> session;
    std::unique_ptr<Connection> connection;
    Instant now = start;
    ReasonCode verdict = ReasonCode::success;  // of the broker on a publication
    std::string asked;                         // what the connection asked of the broker: "route a/b on q1#3"

private:
    void perform(const Effect& effect);
    bool resumes_ = false;
};

}  // namespace ledge::session
