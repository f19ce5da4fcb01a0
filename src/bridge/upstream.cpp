// The ladder of dialects, and the knowledge about an upstream.
//
// The ladder, from the first attempt down. Code 1, or a close without a byte, leads to the next step; after the last
// step comes the first one again, because a close without a byte may have another cause (a limit of connections).
//
//     MQTT 5          not if the profile says that the upstream does not speak it
//     3.1.1 + bit     only with uses_bridge_bit
//     3.1.1
#include "ledge/bridge/upstream.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::bridge {
namespace {

using wire::QoS;
using wire::Version;

constexpr Duration silent_close_max = 1s;
constexpr Duration quick_end_max = 5s;
constexpr int quick_ends_suspicious = 3;

}  // namespace

Upstream::Upstream(const UpstreamOptions& options) : options_(options) {}

std::vector<Upstream::Dialect> Upstream::ladder() const {
    std::vector<Dialect> steps;
    const bool tries_v5 = options_.protocol == ProtocolChoice::v5 ||
                          (options_.protocol == ProtocolChoice::automatic && profile().speaks_v5);
    if (tries_v5) steps.push_back({Version::v5, false});
    if (options_.protocol == ProtocolChoice::v5) return steps;
    // The generic profile knows nothing about the bit, so the operator's wish counts.
    const bool may_accept_bit = profile().accepts_bridge_bit || kind() == UpstreamKind::generic;
    if (options_.uses_bridge_bit && may_accept_bit) steps.push_back({Version::v3_1_1, true});
    steps.push_back({Version::v3_1_1, false});
    return steps;
}

Upstream::Dialect Upstream::dialect() const {
    const auto steps = ladder();
    LEDGE_ASSERT(!steps.empty());
    if (proven_ && std::find(steps.begin(), steps.end(), *proven_) != steps.end()) return *proven_;
    return steps[step_ % steps.size()];
}

QoS Upstream::maximum_qos() const {
    // A broker of MQTT 5 tells its Maximum QoS in CONNACK, so an unknown one is believed.
    const bool is_told = kind() == UpstreamKind::generic && dialect().version == Version::v5;
    const QoS known = is_told ? QoS::exactly_once : profile().maximum_qos;
    const QoS wanted = options_.maximum_qos.value_or(known);
    return is_qos2_proven_wrong_ ? std::min(wanted, QoS::at_least_once) : wanted;
}

bool Upstream::suppresses_echo() const {
    const Dialect now = dialect();
    if (now.version == Version::v5) return true;  // no-local
    return now.is_bridge && profile().suppresses_echo_by_bit;
}

void Upstream::on_connack() { proven_ = dialect(); }

bool Upstream::step_down() {
    const Dialect before = dialect();
    const auto steps = ladder();
    const auto at = std::find(steps.begin(), steps.end(), before);
    proven_.reset();
    step_ = (static_cast<std::size_t>(at - steps.begin()) + 1) % steps.size();
    return dialect() != before;
}

bool Upstream::on_version_refused() {
    was_version_refused_ = true;
    return step_down();
}

bool Upstream::on_silent_close(Duration elapsed) {
    // A dialect that has worked stays: the close has another cause, for example a limit of connections.
    if (elapsed > silent_close_max || proven_) return false;
    return step_down();
}

bool Upstream::lower_qos() {
    const QoS before = maximum_qos();
    is_qos2_proven_wrong_ = true;
    return maximum_qos() != before;
}

bool Upstream::on_puback_for_qos2() {
    recognise(UpstreamKind::rabbitmq);  // the only one seen to do so
    return lower_qos();
}

bool Upstream::on_close_after_qos2() {
    // A broker that is known to do QoS 2 has closed for another reason, or the network has.
    if (options_.kind && profile().maximum_qos == QoS::exactly_once) return false;
    if (was_version_refused_) recognise(UpstreamKind::nats);  // code 1 to MQTT 5, and QoS 2 closes
    return lower_qos();
}

bool Upstream::on_granted(QoS asked, QoS granted) {
    return asked == QoS::exactly_once && granted < QoS::exactly_once && lower_qos();
}

void Upstream::on_strange_topic(std::string_view topic) {
    if (topic.starts_with("ActiveMQ/Advisory/")) return recognise(UpstreamKind::activemq);
    // A publisher's '*' arrives as '+'. ActiveMQ's advisories have '#' in their names.
    if (topic.find('+') != std::string_view::npos) recognise(UpstreamKind::rabbitmq);
}

/// The first evidence counts: later evidence for another kind may come from a broker behind the upstream.
void Upstream::recognise(UpstreamKind kind) {
    if (!options_.kind && recognised_ == UpstreamKind::generic) recognised_ = kind;
}

bool Upstream::on_end(Duration since_connack, bool has_unanswered) {
    quick_ends_ = since_connack <= quick_end_max && !has_unanswered ? quick_ends_ + 1 : 0;
    return quick_ends_ >= quick_ends_suspicious;
}

}  // namespace ledge::bridge
