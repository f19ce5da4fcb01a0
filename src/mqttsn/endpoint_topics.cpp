// Registration of topics in both directions, SUBSCRIBE and UNSUBSCRIBE.
#include <array>
#include <utility>

#include "ledge/mqttsn/endpoint.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::mqttsn {

using wire::ReasonCode;

namespace {

ReturnCode return_code_of_request(ReasonCode code) {
    if (code == ReasonCode::topic_filter_invalid) return ReturnCode::invalid_topic_id;
    const bool may_pass = code == ReasonCode::quota_exceeded || code == ReasonCode::packet_identifier_in_use ||
                          code == ReasonCode::server_unavailable;
    return may_pass ? ReturnCode::congestion : ReturnCode::not_supported;
}

/// True for filters whose messages have many topics, so that SUBACK cannot name one id.
bool has_many_topics(std::string_view filter) { return topic::has_wildcards(filter) || topic::is_shared(filter); }

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// REGISTER

/// Rule 6: the same topic always gets the same id, so a repeated REGISTER does no harm.
void Endpoint::on_register(const Register& message, Moment at) {
    ReturnCode code = ReturnCode::accepted;
    TopicTable::Entry* entry = nullptr;
    if (!topic::is_valid_topic(message.topic, topic::levels_hard_max)) {
        code = ReturnCode::invalid_topic_id;
    } else if (message.topic.size() > services_.options.topic_bytes_max) {
        code = ReturnCode::not_supported;
    } else {
        entry = topics_.find(message.topic);
        if (entry == nullptr) entry = topics_.add(message.topic, services_.options.topics_max);
        if (entry == nullptr && topics_.is_used_up()) return start_over(at);
        // A table full of the device's own topics stays full, and a topic with a predefined id has no other one.
        if (entry == nullptr || entry->type != TopicIdType::normal) code = ReturnCode::not_supported;
    }
    if (code != ReturnCode::accepted) return at.peer.send(Regack{0, message.message_id, code});
    entry->is_known = entry->is_from_device = true;
    entry->is_refused = false;
    at.peer.send(Regack{entry->id, message.message_id, ReturnCode::accepted});
}

/// All topic ids were given in this connection. None is given twice, so the device has to connect and forget them.
void Endpoint::start_over(Moment at) {
    services_.events.tell(GatewayEvent::Kind::ended, client_id_, "all topic ids are used up");
    at.peer.send(Disconnect{});
    leave(false);
}

/// The device knows the topic now, so the message that waits for it is sent.
void Endpoint::on_regack(const Regack& message, Moment at) {
    if (out_.step != OutStep::registering || out_.register_id != message.message_id) return;  // a late copy
    if (message.code == ReturnCode::congestion) return postpone(at);
    if (message.code != ReturnCode::accepted) {
        refuse_topic();
        return serve(at);
    }
    if (TopicTable::Entry* const entry = topics_.find_id(out_.topic_id)) entry->is_known = true;
    if (!is_window_open()) return;  // the device has fallen asleep
    out_.retries = 0;
    send_publish(at);
    serve(at);
}

/// Rule 7: the device wants no messages with the topic of out_, so it gets none, and the subscription ends. If a filter
/// with wildcards has brought the message, there is no subscription of this name; the broker then answers just that.
void Endpoint::refuse_topic() {
    ++services_.counters.topic_refused;
    services_.events.tell(GatewayEvent::Kind::topic_refused, client_id_, out_.message.topic());
    if (TopicTable::Entry* const entry = topics_.find_id(out_.topic_id)) {
        entry->is_refused = true;
        entry->is_known = false;
    }
    static_cast<void>(inner_.client().unsubscribe({out_.message.topic()}));  // refused: the messages are left out
    skip();
}

// ---------------------------------------------------------------------------------------------------------------------
// SUBSCRIBE and UNSUBSCRIBE. The broker answers at once, or behind the commit of its store.

void Endpoint::on_subscribe(const Subscribe& message, Moment at) {
    if (request_.id != 0) {
        // One request at a time (MQTT-SN section 6.9). A copy of the open one gets the answer that is under way.
        const bool is_copy = request_.id == message.message_id && request_.is_unsubscribe == message.is_unsubscribe;
        if (!is_copy) refuse_request(message, ReturnCode::congestion, at);
        return;
    }
    const auto short_name = short_name_of(message.topic_id);
    std::string_view filter = message.filter;
    if (message.type == TopicIdType::predefined) filter = services_.predefined.name_of(message.topic_id);
    if (message.type == TopicIdType::short_name) filter = {short_name.data(), short_name.size()};
    Request request;
    const ReturnCode code = prepare(message, filter, request);
    if (code != ReturnCode::accepted && topics_.is_used_up()) return start_over(at);
    if (code != ReturnCode::accepted) return refuse_request(message, code, at);
    send_request(message, filter, request, at);
}

/// Checks the request, and gives the topic an id if SUBACK shall name one (rule 8).
ReturnCode Endpoint::prepare(const Subscribe& message, std::string_view filter, Request& request) {
    if (filter.empty() || !topic::is_valid_filter(filter, topic::levels_hard_max)) return ReturnCode::invalid_topic_id;
    if (filter.size() > services_.options.topic_bytes_max) return ReturnCode::not_supported;
    request.id = message.message_id;
    request.is_unsubscribe = message.is_unsubscribe;
    if (message.type == TopicIdType::predefined) request.topic_id = message.topic_id;
    if (message.is_unsubscribe || has_many_topics(filter) || message.type == TopicIdType::short_name)
        return ReturnCode::accepted;
    const std::uint16_t topics_max = services_.options.topics_max;
    if (message.type == TopicIdType::predefined) {
        const bool has_room = topics_.add_predefined(filter, message.topic_id, topics_max) != nullptr;
        return has_room ? ReturnCode::accepted : ReturnCode::not_supported;
    }
    TopicTable::Entry* entry = topics_.find(filter);
    if (entry == nullptr) {
        entry = topics_.add(filter, topics_max);
        request.is_new_topic = true;
    }
    if (entry == nullptr) return ReturnCode::not_supported;  // full of the device's own topics, so waiting is no use
    entry->is_refused = false;
    request.topic_id = entry->id;
    return ReturnCode::accepted;
}

/// Sends the request to the broker. The client chooses its packet id: the device's own might be that of a message.
void Endpoint::send_request(const Subscribe& message, std::string_view filter, const Request& request, Moment at) {
    wire::SubscribeOptions options;
    options.qos = static_cast<wire::QoS>(message.qos);
    client::Client& client = inner_.client();
    const auto sent = message.is_unsubscribe ? client.unsubscribe({filter}) : client.subscribe({{filter, options}});
    if (!sent.ok()) {
        if (request.is_new_topic) topics_.remove(request.topic_id);
        return refuse_request(message, return_code_of_request(sent.error()), at);
    }
    request_ = request;
    request_.packet_id = *sent;
}

void Endpoint::refuse_request(const Subscribe& message, ReturnCode code, Moment at) {
    if (code == ReturnCode::congestion) ++services_.counters.congested;
    // UNSUBACK has no return code. Without a valid filter there is no subscription, and that is what UNSUBACK says. A
    // device whose UNSUBSCRIBE has to wait hears nothing, and repeats it.
    if (!message.is_unsubscribe) return at.peer.send(Suback{QoS::at_most_once, 0, message.message_id, code});
    if (code != ReturnCode::congestion) at.peer.send(Answer{MessageType::unsuback, message.message_id});
}

void Endpoint::on_request_done(const wire::Suback& packet, Moment at) {
    if (request_.id == 0 || request_.packet_id != packet.packet_id) return;  // the gateway's own, of refuse_topic()
    const Request request = std::exchange(request_, {});
    if (request.is_unsubscribe) return at.peer.send(Answer{MessageType::unsuback, request.id});
    const auto code = static_cast<ReasonCode>(packet.codes.front());
    if (wire::is_error(code)) {
        if (request.is_new_topic) topics_.remove(request.topic_id);
        const ReturnCode answer = return_code_of_request(code);
        if (answer == ReturnCode::congestion) ++services_.counters.congested;
        return at.peer.send(Suback{QoS::at_most_once, 0, request.id, answer});
    }
    if (TopicTable::Entry* const entry = topics_.find_id(request.topic_id))
        entry->is_known = entry->is_from_device = true;
    at.peer.send(Suback{static_cast<QoS>(packet.codes.front()), request.topic_id, request.id, ReturnCode::accepted});
}

}  // namespace ledge::mqttsn
