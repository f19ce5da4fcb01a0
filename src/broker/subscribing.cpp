// Subscribing: SUBSCRIBE and UNSUBSCRIBE, entry by entry. Each entry has its own reason code in the answer.
#include "subscribing.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/tracer.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

using session::Connection;
using wire::PacketType;
using wire::ReasonCode;

void Subscribing::begin_packet() {
    codes_.clear();
    reason_.clear();
    compared_ = 0;
    judged_ = 0;
}

void Subscribing::add(Connection& connection, const wire::Subscribe& packet, Instant now) {
    LEDGE_ASSERT(connection.session() != nullptr);
    const std::uint32_t id = packet.properties.number(wire::PropertyId::subscription_identifier).value_or(0);
    begin_packet();
    for (const wire::SubscribeEntry& entry : packet.entries)  // [MQTT-3.8.4-5] [MQTT-3.8.4-6]
        codes_.push_back(static_cast<Byte>(add_one(connection, entry, id)));
    answer(connection, PacketType::suback, packet.packet_id);  // [MQTT-3.8.4-1] [MQTT-3.8.4-2]
    // SUBACK goes first, so that the client knows the granted QoS before retained messages arrive.
    feeds_.feed(connection, now);
}

ReasonCode Subscribing::add_one(Connection& connection, const wire::SubscribeEntry& entry, std::uint32_t id) {
    session::Session& session = *connection.session();
    const Judgement judgement = judge(connection, entry.filter);
    if (wire::is_error(judgement.code)) {
        note_refusal(connection, entry.filter, judgement);
        return judgement.code;
    }
    wire::SubscribeOptions options = entry.options;
    // 5.0 section 3.8.4: the server may grant a lower QoS than the requested one.
    options.qos = std::min(options.qos, connection.limits().maximum_qos);
    const Subscriptions::Added added = subscriptions_.add(session, entry.filter, options, id);
    if (added == Subscriptions::Added::refused) {
        constexpr std::uint64_t most = ShareGroups::count_max;
        note_refusal(connection, entry.filter,
                     {.code = ReasonCode::quota_exceeded,
                      .key = "groups of shared subscriptions",
                      .value = most + 1,
                      .limit = most});
        return ReasonCode::quota_exceeded;
    }
    const bool is_new = added == Subscriptions::Added::fresh;
    const bool wants_retained =
        options.retain_handling == wire::RetainHandling::send ||                   // [MQTT-3.3.1-9]
        (options.retain_handling == wire::RetainHandling::send_if_new && is_new);  // [MQTT-3.3.1-10]
    // Shared subscriptions get no retained messages (5.0 section 4.8.2).
    if (wants_retained && !topic::is_shared(entry.filter)) feeds_.add(session, entry.filter, options.qos, id);
    if (services_.tracer.is_on())
        services_.tracer.note({.stage = session::TraceStage::subscribed,
                               .client_id = session.client_id(),
                               .topic = entry.filter,
                               .qos = options.qos,
                               .detail = is_new ? "new" : "replaces the subscription that was there"});
    return static_cast<ReasonCode>(options.qos);
}

// The cheap checks come first: a filter that has no room anyway is not compared with a thousand rules.
Subscribing::Judgement Subscribing::judge(const Connection& connection, std::string_view filter) {
    if (codes_.size() >= entries_max)
        return {.code = ReasonCode::quota_exceeded,
                .key = "filters in one SUBSCRIBE",
                .value = codes_.size() + 1,
                .limit = entries_max};
    Judgement judgement = judge_form(connection.limits(), filter);
    if (!wire::is_error(judgement.code)) judgement = judge_room(connection, filter);
    if (!wire::is_error(judgement.code)) judgement = judge_rights(*connection.session(), filter);
    return judgement;
}

Subscribing::Judgement Subscribing::judge_form(const session::SessionLimits& limits, std::string_view filter) const {
    if (filter.size() > limits.topic_bytes_max)
        return {.code = ReasonCode::topic_filter_invalid,
                .key = "limits.topic_bytes_max",
                .value = filter.size(),
                .limit = limits.topic_bytes_max};
    if (!topic::is_valid_filter(filter, limits.topic_levels_max))  // the decoder has checked the syntax before
        return {.code = ReasonCode::topic_filter_invalid,
                .key = "limits.topic_levels_max",
                .value = topic::count_levels(filter),
                .limit = limits.topic_levels_max};
    if (topic::is_shared(filter) && !limits.shared_subscriptions_available)
        return {.code = ReasonCode::shared_subscriptions_not_supported, .key = "limits.shared_subscriptions_available"};
    if (topic::has_wildcards(filter) && !limits.wildcard_subscriptions_available)
        return {.code = ReasonCode::wildcard_subscriptions_not_supported,
                .key = "limits.wildcard_subscriptions_available"};
    return {};
}

// The limits hold for new subscriptions. A client can always replace a subscription that it has.
Subscribing::Judgement Subscribing::judge_room(const Connection& connection, std::string_view filter) const {
    const session::Session& session = *connection.session();
    if (services_.journal.is_failed() && session.is_stored())
        return {.code = ReasonCode::implementation_specific_error, .key = "the store has failed"};
    if (services_.journal.is_postponed() && session.is_stored() && !subscriptions_.has(session, filter))
        // Its record cannot become durable while the disk is full.
        return {.code = ReasonCode::quota_exceeded, .key = "the disk of the store is full"};
    // Read from the connection and not from the session: the limits are those of the listener that the client uses now.
    const std::size_t most = connection.limits().subscriptions_max;
    const bool is_full = session.subscriptions.size() >= most;
    const bool is_short = !has_memory_for_more(session);
    if ((!is_full && !is_short) || subscriptions_.has(session, filter)) return {};
    if (is_full)
        return {.code = ReasonCode::quota_exceeded,
                .key = "limits.subscriptions_max",
                .value = session.subscriptions.size() + 1,
                .limit = most};
    return {.code = ReasonCode::quota_exceeded,
            .key = "memory.budget_bytes",
            .value = services_.memory.used(),
            .limit = services_.memory.budget()};
}

// Under memory pressure, an owner above its share of the tables gets no new subscriptions. Other owners get them until
// the budget is exhausted.
bool Subscribing::has_memory_for_more(const session::Session& session) const {
    const session::MemoryBudget& memory = services_.memory;
    if (!memory.is_tight()) return true;
    return !memory.is_exhausted() && session.account()->table_bytes < memory.table_share();
}

// A filter without wildcards finds its rule by a hash. A filter with wildcards is compared with each rule, so these
// comparisons are bounded for each packet.
Subscribing::Judgement Subscribing::judge_rights(const session::Session& session, std::string_view filter) {
    const auth::Rights* rights = session.rights();
    if (rights == nullptr) return {};
    // At least judged_min filters are judged, so that a packet of usual size is never refused for its cost.
    if (compared_ > rules_compared_max && judged_ >= judged_min)
        return {.code = ReasonCode::quota_exceeded,
                .key = "comparisons of one SUBSCRIBE with rules",
                .value = compared_,
                .limit = rules_compared_max};
    const auth::Verdict verdict = rights->judge_subscription(filter);
    ++judged_;
    compared_ += verdict.compared;
    if (verdict.is_allowed) return {};
    return {.code = ReasonCode::not_authorized, .verdict = verdict};
}

// Counts the refusal, logs it unless the connection has logged too many already, and keeps the first reason of the
// packet for the client. explain() is called only when its text is used.
void Subscribing::note_refusal(Connection& connection, std::string_view filter, const Judgement& why) {
    LEDGE_ASSERT(wire::is_error(why.code));
    const bool is_denied = why.code == ReasonCode::not_authorized;
    if (is_denied) ++services_.counters.refused_not_allowed;
    const bool is_told = reason_.empty() && connection.peer().version == wire::Version::v5;
    const bool is_logged = connection.may_log_refusal();
    const bool is_traced = services_.tracer.is_on();
    // explain() builds a text, which is too expensive for a client that is refused again and again.
    if (!is_told && !is_logged && !is_traced) return;
    const std::string rule = is_denied ? connection.session()->rights()->explain(why.verdict) : std::string();
    if (is_told)
        reason_ = is_denied ? connection.detail_for_client(filter, rule)
                            : std::string(filter) + ": " + std::string(wire::name_of(why.code));
    if (is_logged) log_refusal(connection, filter, why, rule);
    if (!is_traced) return;
    const std::string_view reason = !rule.empty() ? rule : !why.key.empty() ? why.key : wire::name_of(why.code);
    services_.tracer.note({.stage = session::TraceStage::refused,
                           .client_id = connection.session()->client_id(),
                           .topic = filter,
                           .detail = "SUBSCRIBE: " + std::string(reason)});
}

void Subscribing::log_refusal(const Connection& connection, std::string_view filter, const Judgement& why,
                              std::string_view rule) {
    const std::string& client_id = connection.session()->client_id();
    const std::string_view user = connection.session()->owner();
    // Without a number limit, the line names the rule or the key of a switch instead.
    if (why.limit == 0)
        return services_.log.info("subscribe_refused", {{"client_id", client_id},
                                                        {"user", user},
                                                        {"address", connection.peer().address},
                                                        {"filter", filter},
                                                        {"reason", wire::name_of(why.code)},
                                                        {"rule", rule.empty() ? why.key : rule}});
    services_.log.info("subscribe_refused", {{"client_id", client_id},
                                             {"user", user},
                                             {"address", connection.peer().address},
                                             {"filter", filter},
                                             {"reason", wire::name_of(why.code)},
                                             {"key", why.key},
                                             {"value", why.value},
                                             {"limit", why.limit}});
}

void Subscribing::remove(Connection& connection, const wire::Unsubscribe& packet) {
    LEDGE_ASSERT(connection.session() != nullptr);
    begin_packet();
    if (services_.journal.is_failed() && connection.session()->is_stored()) return refuse_remove(connection, packet);
    for (const wire::SubscribeEntry& entry : packet.entries) {  // [MQTT-3.10.4-6]
        if (codes_.size() >= entries_max && connection.peer().version != wire::Version::v5)
            return connection.close(ReasonCode::quota_exceeded,
                                    "UNSUBSCRIBE has more than " + std::to_string(entries_max) + " topic filters");
        codes_.push_back(static_cast<Byte>(codes_.size() < entries_max ? remove_one(connection, entry.filter)
                                                                       : ReasonCode::implementation_specific_error));
    }
    answer(connection, PacketType::unsuback, packet.packet_id);  // [MQTT-3.10.4-4] [MQTT-3.10.4-5]
}

ReasonCode Subscribing::remove_one(Connection& connection, std::string_view filter) {
    session::Session& session = *connection.session();
    const bool was_there = subscriptions_.remove(session, filter);
    RetainedFeeds::forget(session, filter);  // [MQTT-3.10.4-2]
    if (services_.tracer.is_on())
        services_.tracer.note({.stage = session::TraceStage::unsubscribed,
                               .client_id = session.client_id(),
                               .topic = filter,
                               .detail = was_there ? "" : "there was no such subscription"});
    return was_there ? ReasonCode::success : ReasonCode::no_subscription_existed;
}

// After the next start a failed store would bring the removed subscriptions back, so nothing is removed. UNSUBACK of
// 3.x cannot refuse, so the connection closes.
void Subscribing::refuse_remove(Connection& connection, const wire::Unsubscribe& packet) {
    if (connection.peer().version != wire::Version::v5)
        return connection.close(ReasonCode::implementation_specific_error, "the store has failed");
    for ([[maybe_unused]] const wire::SubscribeEntry& entry : packet.entries)
        codes_.push_back(static_cast<Byte>(ReasonCode::implementation_specific_error));
    answer(connection, PacketType::unsuback, packet.packet_id);
}

void Subscribing::answer(Connection& connection, PacketType type, wire::PacketId id) {
    services_.counters.subscribe_steps += codes_.size() + compared_ + subscriptions_.take_steps();
    connection.sender().send_with_reason(wire::Suback{type, id, {codes_.data(), codes_.size()}, {}}, reason_);
    // The answer is a promise that must survive a crash, so nothing is sent before the records are durable. A
    // subscription that did not change has no new record to wait for. After a failure of the store nothing was granted,
    // so the answer is sent at once.
    const session::Session* session = connection.session();
    if (session != nullptr && session->is_stored() && !services_.journal.is_failed())
        connection.sender().hold(session->subscriptions_ticket);
}

}  // namespace ledge::broker
