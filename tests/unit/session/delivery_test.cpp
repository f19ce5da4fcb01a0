#include "ledge/session/delivery.hpp"

#include "rig.hpp"

namespace ledge::session {
namespace {

std::string encoded_ids(const SubscriptionIds& ids) {
    wire::PropertyBuilder out;
    ids.append_to(out);
    return std::string(as_text(out.view().raw()));
}

TEST_CASE("[MQTT-3.3.4-3] none, one and several subscription identifiers") {
    SubscriptionIds ids;
    CHECK(ids.empty());
    CHECK(encoded_ids(ids).empty());
    ids.add(0);
    CHECK(ids.empty());
    ids.add(5);
    CHECK(ids.first() == 5);
    CHECK(encoded_ids(ids) == "\x0B\x05");
    ids.add(0);
    ids.add(200);
    const SubscriptionIds copy = ids;
    ids.add(6);
    CHECK(encoded_ids(ids) == "\x0B\x05\x0B\xC8\x01\x0B\x06");
    CHECK(encoded_ids(copy) == "\x0B\x05\x0B\xC8\x01");  // what was copied does not change with it
    CHECK(ids.first() == 5);
    ids.add(268'435'455);
    wire::PropertyBuilder all;
    ids.append_to(all);
    std::size_t count = 0;
    for (auto p = all.view().begin(); p != all.view().end(); ++p)
        count += p->id == PropertyId::subscription_identifier ? 1U : 0U;
    CHECK(count == 4);
}

TEST_CASE("[MQTT-3.3.2-6] the remaining lifetime is forwarded, rounded up, and never negative") {
    wire::PropertyBuilder kept;
    kept.user("first", "1").user("first", "2").number(PropertyId::payload_format_indicator, 1);
    const auto forwarded = [&](Instant expires_at, Instant now) {
        wire::PropertyBuilder out;
        append_forwarded_properties({"t", {}, kept.view().raw(), expires_at, qos0, false}, now, out);
        const std::string raw(as_text(out.view().raw()));
        CHECK(raw.starts_with(as_text(kept.view().raw())));  // unaltered and in order
        return out.view().number(PropertyId::message_expiry_interval);
    };
    CHECK_FALSE(forwarded(never, start).has_value());
    CHECK(forwarded(start + 10s, start) == 10U);
    CHECK(forwarded(start + 10s, start + 3s) == 7U);
    CHECK(forwarded(start + 10s, start + 3500ms) == 7U);
    CHECK(forwarded(start + 10s, start + 9999ms) == 1U);
    CHECK(forwarded(start + 10s, start + 10s) == 0U);
    CHECK(forwarded(start + 10s, start + 11s) == 0U);
}

}  // namespace
}  // namespace ledge::session
