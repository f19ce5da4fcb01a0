#include "subscribing.hpp"

#include <algorithm>

#include "ledge/topic/name.hpp"

namespace ledge::broker {

using session::Connection;
using wire::PacketType;
using wire::ReasonCode;

void Subscribing::add(Connection& connection, const wire::Subscribe& packet, Instant now) {
    const std::uint32_t id = packet.properties.number(wire::PropertyId::subscription_identifier).value_or(0);
    codes_.clear();
    reason_.clear();
    for (const wire::SubscribeEntry& entry : packet.entries)  // [MQTT-3.8.4-5] [MQTT-3.8.4-6]
        codes_.push_back(static_cast<Byte>(add_one(connection, entry, id)));
    answer(connection, PacketType::suback, packet.packet_id);  // [MQTT-3.8.4-1] [MQTT-3.8.4-2]
    feeds_.feed(connection, now);
}

ReasonCode Subscribing::add_one(Connection& connection, const wire::SubscribeEntry& entry, std::uint32_t id) {
    session::Session& session = *connection.session();
    ReasonCode code = check(connection, entry.filter);
    if (environment_.journal.is_failed() && session.is_stored()) code = ReasonCode::implementation_specific_error;
    // The quota is for new ones; replacing an old one is always possible.
    if (!wire::is_error(code) && session.subscriptions.size() >= connection.limits().subscriptions_max &&
        !subscriptions_.has(session, entry.filter))
        code = ReasonCode::quota_exceeded;
    if (!wire::is_error(code) && !has_memory_for_more(session) && !subscriptions_.has(session, entry.filter))
        code = ReasonCode::quota_exceeded;
    if (wire::is_error(code)) {
        note_refusal(connection, entry.filter, code);
        return code;
    }
    wire::SubscribeOptions options = entry.options;
    options.qos = std::min(options.qos, connection.limits().maximum_qos);
    const Subscriptions::Added added = subscriptions_.add(session, entry.filter, options, id);
    if (added == Subscriptions::Added::refused) return ReasonCode::quota_exceeded;
    const bool is_new = added == Subscriptions::Added::fresh;
    const bool wants_retained =
        options.retain_handling == wire::RetainHandling::send ||                   // [MQTT-3.3.1-9]
        (options.retain_handling == wire::RetainHandling::send_if_new && is_new);  // [MQTT-3.3.1-10]
    if (wants_retained && !topic::is_shared(entry.filter)) feeds_.add(session, entry.filter, options.qos, id);
    return static_cast<ReasonCode>(options.qos);
}

// While memory is short, the owners with many tables get no more of them; the others do, as long as there is any.
bool Subscribing::has_memory_for_more(const session::Session& session) const {
    const session::MemoryBudget& memory = environment_.memory;
    if (!memory.is_tight()) return true;
    return !memory.is_exhausted() && session.account()->table_bytes < memory.table_share();
}

void Subscribing::note_refusal(Connection& connection, std::string_view filter, ReasonCode code) {
    if (code == ReasonCode::not_authorized) ++environment_.counters.refused_not_allowed;
    const std::string_view rule = code == ReasonCode::not_authorized ? std::string_view(rule_) : std::string_view();
    if (reason_.empty() && connection.version() == wire::Version::v5)
        reason_ = rule.empty() ? std::string(filter) + ": " + std::string(wire::name_of(code))
                               : connection.told(filter, rule);
    if (!connection.may_log_refusal()) return;
    environment_.log.info("subscribe_refused", {{"client_id", connection.session()->client_id()},
                                                {"address", connection.address()},
                                                {"filter", filter},
                                                {"reason", wire::name_of(code)},
                                                {"rule", rule}});
}

ReasonCode Subscribing::check(const Connection& connection, std::string_view filter) {
    const session::SessionLimits& limits = connection.limits();
    if (filter.size() > limits.topic_bytes_max || !topic::is_valid_filter(filter, limits.topic_levels_max))
        return ReasonCode::topic_filter_invalid;
    if (topic::is_shared(filter) && !limits.shared_subscriptions_available)
        return ReasonCode::shared_subscriptions_not_supported;
    if (topic::has_wildcards(filter) && !limits.wildcard_subscriptions_available)
        return ReasonCode::wildcard_subscriptions_not_supported;
    const auth::Rights* rights = connection.session()->rights();
    if (rights == nullptr) return ReasonCode::success;
    const auth::Verdict verdict = rights->judge_subscription(filter);
    if (verdict.is_allowed) return ReasonCode::success;
    rule_ = rights->explain(verdict);
    return ReasonCode::not_authorized;
}

void Subscribing::remove(Connection& connection, const wire::Unsubscribe& packet) {
    codes_.clear();
    reason_.clear();
    if (environment_.journal.is_failed() && connection.session()->is_stored()) return refuse_remove(connection, packet);
    for (const wire::SubscribeEntry& entry : packet.entries) {  // [MQTT-3.10.4-6]
        const bool was_there = subscriptions_.remove(*connection.session(), entry.filter);
        RetainedFeeds::forget(*connection.session(), entry.filter);  // [MQTT-3.10.4-2]
        codes_.push_back(static_cast<Byte>(was_there ? ReasonCode::success : ReasonCode::no_subscription_existed));
    }
    answer(connection, PacketType::unsuback, packet.packet_id);  // [MQTT-3.10.4-4] [MQTT-3.10.4-5]
}

// The store would bring them back. UNSUBACK of 3.x cannot say no.
void Subscribing::refuse_remove(Connection& connection, const wire::Unsubscribe& packet) {
    if (connection.version() != wire::Version::v5)
        return connection.close(ReasonCode::implementation_specific_error, "the store has failed");
    for ([[maybe_unused]] const wire::SubscribeEntry& entry : packet.entries)
        codes_.push_back(static_cast<Byte>(ReasonCode::implementation_specific_error));
    answer(connection, PacketType::unsuback, packet.packet_id);
}

void Subscribing::answer(Connection& connection, PacketType type, wire::PacketId id) {
    connection.send_suback({type, id, {codes_.data(), codes_.size()}, {}}, reason_);
    // What the client is told must survive: nothing leaves before the records do.
    // (With a store that has failed, nothing of it was granted.)
    if (connection.session() != nullptr && connection.session()->is_stored() && !environment_.journal.is_failed())
        connection.hold_output(environment_.journal.last());
}

}  // namespace ledge::broker
