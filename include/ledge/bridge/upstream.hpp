// Upstream: what a bridge knows about its upstream: the profile from the configuration, and what the upstream's
// behaviour has taught. It decides how the next CONNECT is made. The knowledge outlives connections. One owner, no
// locks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/bridge/upstream_profile.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::bridge {

enum class ProtocolChoice : std::uint8_t { automatic, v5, v3_1_1 };

struct UpstreamOptions {
    /// nullopt = unknown: the bridge starts with the generic profile and recognises a kind by its behaviour.
    std::optional<UpstreamKind> kind;
    ProtocolChoice protocol = ProtocolChoice::automatic;
    /// Set the bridge bit in a CONNECT of 3.1.1, if the profile does not rule it out. Some brokers refuse such a
    /// CONNECT, so it is a choice of the operator.
    bool uses_bridge_bit = false;
    /// The largest QoS that the operator allows to use towards the upstream; nullopt = the value of the profile.
    std::optional<wire::QoS> maximum_qos;
};

class Upstream {
public:
    /// One way to write CONNECT.
    struct Dialect {
        wire::Version version = wire::Version::v5;
        bool is_bridge = false;
        friend bool operator==(const Dialect&, const Dialect&) = default;
    };

    explicit Upstream(const UpstreamOptions& options);

    /// The dialect of the next CONNECT.
    Dialect dialect() const;
    /// The profile in force: the configured one, or the recognised one, or the generic one.
    const UpstreamProfile& profile() const { return profile_of(kind()); }
    UpstreamKind kind() const { return options_.kind.value_or(recognised_); }
    /// True if the kind was recognised by its behaviour.
    bool is_recognised() const { return !options_.kind && recognised_ != UpstreamKind::generic; }
    /// The largest QoS of messages to the upstream that it is known to honour.
    wire::QoS maximum_qos() const;
    /// True if own messages do not come back on a connection of this dialect: by no-local, or by the bridge bit.
    bool suppresses_echo() const;

    // ---- What happened. Each function returns true if the next CONNECT will be made differently because of it.

    /// CONNACK with success: the dialect is right, and is remembered.
    void on_connack();
    /// CONNACK with code 1 (0x84 in MQTT 5): an older dialect may do.
    bool on_version_refused();
    /// The connection was closed `elapsed` after CONNECT without a byte from the upstream. RabbitMQ 3.10 and ActiveMQ
    /// answer so to a CONNECT that they do not understand, within milliseconds. A later close says nothing.
    bool on_silent_close(Duration elapsed);
    /// PUBACK has answered a PUBLISH of QoS 2: the upstream lowers QoS 2.
    bool on_puback_for_qos2();
    /// The upstream has closed the connection, and the oldest unanswered packet was a PUBLISH of QoS 2, although it has
    /// never answered one. Ignored if the configured kind is known to do QoS 2.
    bool on_close_after_qos2();
    /// The upstream has granted `granted` to a subscription of QoS `asked`. Brokers that lower one lower the other.
    bool on_granted(wire::QoS asked, wire::QoS granted);
    /// A message came on a topic that no publisher can use. Its name may tell the kind of the upstream.
    void on_strange_topic(std::string_view topic);
    /// The connection has ended `since_connack` after CONNACK; `has_unanswered`: a packet of ours had no answer.
    /// Returns true if somebody else probably uses the same client id: three quick ends in a row without a cause.
    bool on_end(Duration since_connack, bool has_unanswered);

private:
    std::vector<Dialect> ladder() const;
    bool step_down();
    bool lower_qos();
    void recognise(UpstreamKind kind);

    UpstreamOptions options_;
    UpstreamKind recognised_ = UpstreamKind::generic;
    std::optional<Dialect> proven_;  // has had a CONNACK with success
    std::size_t step_ = 0;           // of the ladder, while nothing is proven
    bool is_qos2_proven_wrong_ = false;
    bool was_version_refused_ = false;  // an older dialect was asked for by code 1
    int quick_ends_ = 0;
};

}  // namespace ledge::bridge
