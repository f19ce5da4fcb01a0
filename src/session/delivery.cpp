#include "ledge/session/delivery.hpp"

namespace ledge::session {

// Payload Format Indicator, Response Topic, Correlation Data, User Property and Content Type are forwarded unaltered:
// [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]
void append_forwarded_properties(const journal::PublicationView& publication, Instant now,
                                 wire::PropertyBuilder& properties) {
    properties.raw(publication.properties, 0);
    if (publication.expires_at == never) return;
    const auto seconds = static_cast<std::uint32_t>(seconds_until(publication.expires_at, now));
    properties.number(wire::PropertyId::message_expiry_interval, seconds);
}

[[gnu::hot]] void SubscriptionIds::add(std::uint32_t id) {
    if (id == 0) return;
    // Most deliveries have at most one identifier, which needs no heap block.
    if (first_ == 0) {
        first_ = id;
        return;
    }
    wire::PropertyBuilder properties;
    properties.raw(rest_.bytes(), 0).number(wire::PropertyId::subscription_identifier, id);
    rest_ = Blob::copy_of(properties.view().raw());
}

void SubscriptionIds::add_all(Bytes properties) {
    for (const wire::Property& property : wire::Properties(properties, 0)) add(property.number);
}

void SubscriptionIds::append_to(wire::PropertyBuilder& properties) const {
    if (first_ == 0) return;
    properties.number(wire::PropertyId::subscription_identifier, first_);
    if (rest_) properties.raw(rest_.bytes(), 0);
}

}  // namespace ledge::session
