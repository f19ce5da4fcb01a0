// Each checker objects to a forged history that breaks its promise, and not to its honest twin.
#include "delivery_checkers.hpp"

#include <doctest/doctest.h>

#include "forgery.hpp"

using namespace ledge;
using namespace ledge::sim;
using wire::QoS;

TEST_CASE("the order checker objects to a message that overtakes another") {
    const Event first = routed(1, QoS::at_least_once);
    const Event second = routed(2, QoS::at_least_once);
    CHECK(accepts<OrderChecker>({first, second, got(1, 1), got(2, 2), got(1, 1)}));  // a repetition is no disorder
    CHECK_FALSE(accepts<OrderChecker>({first, second, got(2, 2), got(1, 1)}));
    CHECK(accepts<OrderChecker>({first, second, first, got(2, 2), got(1, 1)}));  // its publisher has sent it again
}

TEST_CASE("the order checker lets messages handed on by a shared subscription overtake") {
    const Event first = routed_group(1, {0, 1});
    const Event second = routed_group(2, {0, 1});
    CHECK_FALSE(accepts<OrderChecker>({first, second, got(2, 2), got(1, 1)}));
    CHECK(accepts<OrderChecker>({first, second, of(Kind::session_ended), got(2, 2), got(1, 1)}));
}

TEST_CASE("the at-least-once checker objects to a message that never came and was not counted") {
    CHECK(accepts<AtLeastOnceChecker>({routed(1, QoS::at_least_once), got(1, 1), finished()}));
    CHECK_FALSE(accepts<AtLeastOnceChecker>({routed(1, QoS::at_least_once), finished()}));
    CHECK_FALSE(accepts<AtLeastOnceChecker>({replayed(1), finished()}));
    Event replaced = of(Kind::replaced);
    replaced.text = "a/x";
    CHECK(accepts<AtLeastOnceChecker>({replayed(1), replaced, finished()}));
    CHECK_FALSE(accepts<AtLeastOnceChecker>({routed(1, QoS::at_least_once), replaced, finished()}));
    CHECK(accepts<AtLeastOnceChecker>({routed(1, QoS::at_least_once), finished(1)}));
    CHECK(accepts<AtLeastOnceChecker>({routed(1, QoS::at_most_once), finished()}));
    CHECK(accepts<AtLeastOnceChecker>({routed(1, QoS::at_least_once), of(Kind::session_ended), finished()}));
    Event expiring = routed(1, QoS::at_least_once);
    expiring.expiry_s = 5;
    CHECK_FALSE(accepts<AtLeastOnceChecker>({expiring, finished()}));
    Event late = finished();
    late.at += 6s;
    CHECK(accepts<AtLeastOnceChecker>({expiring, late}));
}

TEST_CASE("the exactly-once checker objects to a second copy") {
    Event again = got(1, 1);
    again.qos = QoS::exactly_once;
    CHECK(accepts<ExactlyOnceChecker>({routed(1, QoS::exactly_once), again}));
    CHECK_FALSE(accepts<ExactlyOnceChecker>({routed(1, QoS::exactly_once), again, again}));
    Event same_id = again;
    same_id.flag = false;  // the receiver knows the packet id and drops it
    CHECK(accepts<ExactlyOnceChecker>({routed(1, QoS::exactly_once), again, same_id}));
    again.qos = QoS::at_most_once;
    CHECK_FALSE(accepts<ExactlyOnceChecker>({routed(1, QoS::at_most_once), again, again}));
    again.qos = QoS::at_least_once;
    CHECK_FALSE(accepts<ExactlyOnceChecker>({routed(1, QoS::at_least_once), again, again}));
    Event dup = again;
    dup.dup = true;
    CHECK(accepts<ExactlyOnceChecker>({routed(1, QoS::at_least_once), again, dup}));
    CHECK(accepts<ExactlyOnceChecker>({routed_group(1, {1}), again}));  // handed on
    CHECK_FALSE(accepts<ExactlyOnceChecker>({routed_group(1, {1}), again, again}));
}

TEST_CASE("the QoS checker objects to more than published and to anything but what was granted") {
    Event sent = out_publish(1);
    sent.qos = sent.label.qos = QoS::at_least_once;
    CHECK(accepts<QosChecker>({routed(1, QoS::at_least_once), sent}));
    CHECK_FALSE(accepts<QosChecker>({routed(1, QoS::at_most_once), sent}));
    sent.label.qos = QoS::at_most_once;
    CHECK_FALSE(accepts<QosChecker>({routed(1, QoS::at_least_once), sent}));
}

TEST_CASE("the subscription checker objects to a topic no filter matches") {
    Event subscribed = of(Kind::subscribed);
    subscribed.text = "a/+";
    Event wrong = got(1, 1);
    wrong.text = "b/x";
    CHECK(accepts<SubscribedChecker>({subscribed, got(1, 1)}));
    CHECK_FALSE(accepts<SubscribedChecker>({subscribed, wrong}));
    CHECK_FALSE(accepts<SubscribedChecker>({subscribed, of(Kind::session_began), got(1, 1)}));
    Event elsewhere = of(Kind::session_began);  // a CONNECT that was long under way takes over
    elsewhere.link = 2;
    CHECK(accepts<SubscribedChecker>({subscribed, elsewhere, got(1, 1)}));
}

TEST_CASE("the UNSUBACK checker objects to a message that was published afterwards") {
    CHECK(accepts<UnsubackChecker>({routed(1, QoS::at_least_once), of(Kind::unsubscribed), got(1, 1)}));
    CHECK_FALSE(accepts<UnsubackChecker>({routed(1, QoS::at_least_once), of(Kind::unsubscribed), got(2, 2)}));
}

TEST_CASE("the will checker objects to wills that are not due, or cancelled") {
    Event will = got(1, 1);
    will.label.is_will = true;
    Event due = of(Kind::will_due);
    due.label = will.label;
    Event cancelled = of(Kind::will_cancelled);
    cancelled.label = will.label;
    CHECK(accepts<WillChecker>({due, will}));
    CHECK_FALSE(accepts<WillChecker>({will}));
    CHECK_FALSE(accepts<WillChecker>({cancelled, will}));
}

TEST_CASE("the retain checker objects to a flag too many, a flag too few and a stale message") {
    Event with_flag = got(1, 1);
    with_flag.retain = true;
    CHECK(accepts<RetainChecker>({replayed(1), with_flag}));
    CHECK(accepts<RetainChecker>({routed(1, QoS::at_least_once), got(1, 1)}));
    CHECK_FALSE(accepts<RetainChecker>({routed(1, QoS::at_least_once), with_flag}));
    CHECK_FALSE(accepts<RetainChecker>({replayed(1), got(1, 1)}));
    CHECK_FALSE(accepts<RetainChecker>({replayed(2), with_flag}));
}

TEST_CASE("the subscription identifier checker objects to a missing and to a foreign one") {
    Event route = routed(1, QoS::at_least_once);
    route.ids = {3, 4};
    Event complete = got(1, 1);
    complete.version = wire::Version::v5;
    complete.ids = {4, 3};
    CHECK(accepts<SubscriptionIdChecker>({route, complete}));
    complete.ids = {3};
    CHECK_FALSE(accepts<SubscriptionIdChecker>({route, complete}));
    complete.ids = {3, 4, 5};
    CHECK_FALSE(accepts<SubscriptionIdChecker>({route, complete}));
}

TEST_CASE("the shared subscription checker objects to two receivers and to none") {
    Event other = got(1, 1);
    other.client = 1;
    CHECK(accepts<SharedChecker>({routed_group(1, {0, 1}), got(1, 1), finished()}));
    CHECK_FALSE(accepts<SharedChecker>({routed_group(1, {0, 1}), got(1, 1), other, finished()}));
    CHECK_FALSE(accepts<SharedChecker>({routed_group(1, {0, 1}), finished()}));
    CHECK(accepts<SharedChecker>({routed_group(1, {0, 1}), got(1, 1), of(Kind::session_ended), other, finished()}));
}

TEST_CASE("the expiry checker objects to a lost, a grown and a shrunken interval") {
    Event route = routed(1, QoS::at_least_once);
    route.expiry_s = 10;
    Event sent = out_publish(1);
    sent.version = wire::Version::v5;
    sent.at += 3s;
    sent.expiry_s = 7;
    CHECK_FALSE(accepts<ExpiryChecker>({route, sent}));
    sent.has_expiry = true;
    CHECK(accepts<ExpiryChecker>({route, sent}));
    Event late = sent;  // sent again when nothing is left
    late.at += 20s;
    late.expiry_s = 0;
    CHECK(accepts<ExpiryChecker>({route, late}));
    for (const std::uint32_t wrong : {0U, 11U, 6U}) {
        sent.expiry_s = wrong;
        CHECK_FALSE(accepts<ExpiryChecker>({route, sent}));
    }
    sent.expiry_s = 5;
    CHECK_FALSE(accepts<ExpiryChecker>({routed(1, QoS::at_least_once), sent}));
}

TEST_CASE("the payload checker objects to a changed byte") {
    Label label;
    label.uid = 77;
    label.publisher = 3;
    label.seq = 9;
    std::vector<Byte> payload = make_payload(label, 40);
    Event event = got(1, 1);
    event.label = read_payload(payload);
    CHECK(event.label.uid == 77);
    CHECK(event.label.publisher == 3);
    CHECK(event.label.seq == 9);
    CHECK(accepts<PayloadChecker>({event}));
    payload[30] ^= 1U;
    event.label = read_payload(payload);
    CHECK_FALSE(accepts<PayloadChecker>({event}));
}
