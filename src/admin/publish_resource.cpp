// /publish, and what it shares with the retained messages of operators.
#include "ledge/base/base64.hpp"
#include "ledge/broker/operator_actions.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/properties.hpp"
#include "ledge/wire/utf8.hpp"
#include "publishing.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

constexpr std::size_t text_property_bytes_max = 65'535;  // two bytes have the length of a text in MQTT

/// Answers when the message is as safe as its level promises.
class PublicationAnswer final : public Ongoing {
public:
    PublicationAnswer(Site& site, ApiRequest request, const broker::OperatorPublication& sent, bool tells_matched)
        : site_(site), request_(std::move(request)), sent_(sent), tells_matched_(tells_matched) {}

    std::optional<Instant> go_on(Instant now) override {
        constexpr Duration pause = 2ms;
        // While the store is full no commit comes. The peer has got 504, or has gone; this is for the log.
        if (!request_.is_open()) {
            request_.refuse(504, "published, but nobody has waited for the commit");
            return std::nullopt;
        }
        switch (site_.shard().durability_of(sent_.ticket)) {
            case broker::Durable::pending: return now + pause;
            case broker::Durable::never:
                request_.refuse(503, "the store has failed, so the message may be lost with a restart");
                return std::nullopt;
            case broker::Durable::yes: break;
        }
        if (!tells_matched_) {
            request_.done();
            return std::nullopt;
        }
        JsonWriter body;
        body.number("matched", std::uint64_t{sent_.matched});
        request_.answer(body);
        return std::nullopt;
    }

private:
    Site& site_;
    ApiRequest request_;
    broker::OperatorPublication sent_;
    bool tells_matched_;
};

/// A text of JSON may be longer than one of MQTT, and may have U+0000, which ends the connection of each subscriber
/// that gets it [MQTT-1.5.4-2].
bool is_mqtt_text(std::string_view text) { return text.size() <= text_property_bytes_max && wire::is_valid_utf8(text); }

constexpr std::string_view wrong_text = "must be a text of at most 65,535 bytes without U+0000";

void add_text(ApiRequest& request, std::string_view name, wire::PropertyId id, wire::PropertyBuilder& properties) {
    const auto text = request.text(name);
    if (!text) return;
    if (!is_mqtt_text(*text)) return request.complain(name, wrong_text);
    properties.text(id, *text);
}

/// The properties of MQTT 5 that subscribers get.
wire::PropertyBuilder properties_of(ApiRequest& request) {
    wire::PropertyBuilder properties;
    add_text(request, "content_type", wire::PropertyId::content_type, properties);
    const auto response_topic = request.text("response_topic");
    if (response_topic) {
        if (is_mqtt_text(*response_topic) && topic::is_valid_topic(*response_topic, topic::levels_hard_max))
            properties.text(wire::PropertyId::response_topic, *response_topic);
        else
            request.complain("response_topic", "response_topic is not a topic name without wildcards");
    }
    if (const auto base64 = request.text("correlation_data_base64")) {
        const auto bytes = decode_base64(*base64);
        if (bytes && bytes->size() <= text_property_bytes_max)
            properties.text(wire::PropertyId::correlation_data, *bytes);
        else
            request.complain("correlation_data_base64", "the member is not base64 of at most 65,535 bytes");
    }
    for (const auto& [name, value] : request.pairs("user_properties").value_or(TextPairs{})) {
        if (is_mqtt_text(name) && is_mqtt_text(value))
            properties.user(name, value);
        else
            request.complain("user_properties", "must have texts of at most 65,535 bytes without U+0000");
    }
    return properties;
}

}  // namespace

void check_topic(ApiRequest& request, std::string_view topic, std::string_view field) {
    if (!is_mqtt_text(topic) || !topic::is_valid_topic(topic, topic::levels_hard_max))
        request.complain(field, "a topic name without wildcards is needed, of at most 65,535 bytes and 128 levels");
    else if (session::belongs_to_broker(topic))
        request.complain(field, "topics that begin with $SYS/ belong to the broker");
}

void publish_and_answer(Site& site, ApiRequest request, const journal::PublicationView& publication,
                        bool tells_matched) {
    const broker::OperatorPublication sent = site.shard().publish(publication, site.now());
    if (wire::is_error(sent.code))
        return request.refuse(507, "the message is refused (" + std::string(wire::name_of(sent.code)) +
                                       "): a queue, the retained messages, the memory or the store is full, or the "
                                       "store has failed; GET /api/v1/store and the log say which");
    site.ongoing.begin(std::make_unique<PublicationAnswer>(site, std::move(request), sent, tells_matched), site.now());
}

void post_publish(Site& site, ApiRequest request) {
    const std::string topic = request.text("topic").value_or("");
    check_topic(request, topic, "topic");
    const std::string payload = payload_of(request);
    const auto qos = static_cast<wire::QoS>(request.number("qos", publish_qos_levels).value_or(0));
    const bool retain = request.flag("retain", false);
    const auto expiry = request.number("expiry_interval_s", publish_expiry_seconds);
    const wire::PropertyBuilder properties = properties_of(request);
    if (request.refuse_if_wrong()) return;
    const Instant expires_at = expiry ? add_seconds(site.now(), static_cast<std::int64_t>(*expiry)) : never;
    publish_and_answer(site, std::move(request),
                       {topic, as_bytes(payload), properties.view().raw(), expires_at, qos, retain, {}}, true);
}

}  // namespace ledge::admin
