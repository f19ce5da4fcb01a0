// How a relay connects, subscribes, and ends.
#include <algorithm>

#include "relay_rig.hpp"

namespace ledge::bridge {
namespace {

TEST_CASE("the upstream is connected first, then the local broker; then come the subscriptions, the local ones first") {
    RelayRig rig;
    CHECK(rig.relay.is_closed());
    rig.opens();
    CHECK(rig.relay.stage() == Relay::Stage::inner_wanted);
    rig.opens_inner();
    CHECK(rig.relay.stage() == Relay::Stage::subscribing);
    CHECK(rig.answers_requests() == "in SUBSCRIBE 32768 plant/# | up SUBSCRIBE 32768 site/cmd/#");
    CHECK(rig.relay.stage() == Relay::Stage::relaying);
    CHECK(rig.events() == "connected | proven | relaying");
}

TEST_CASE("the local broker gets the smaller Receive Maximum, and no limit of packets: large ones are set aside here") {
    Connacks connacks;
    connacks.upstream_properties.number(PropertyId::receive_maximum, 20);
    connacks.upstream_properties.number(PropertyId::maximum_packet_size, 5000);
    RelayRig rig;
    rig.connects(connacks);
    CHECK(rig.last_connect(false).properties.number(PropertyId::receive_maximum) == 20);
    const auto packet_max = rig.last_connect(false).properties.number(PropertyId::maximum_packet_size);
    CHECK(packet_max.value_or(wire::packet_size_max) == wire::packet_size_max);
    CHECK(rig.last_connect(true).properties.number(PropertyId::session_expiry_interval) == 604'800);
    CHECK_FALSE(rig.last_connect(true).clean_start);
}

TEST_CASE("bytes of the upstream wait until the local broker is connected and subscribed to") {
    RelayRig rig;
    rig.opens({.upstream_present = true});
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3));
    rig.opens_inner({.inner_present = true});
    CHECK(rig.in() == "SUBSCRIBE 32768 plant/#");
    wire::Suback suback;
    const std::vector<Byte> codes = {2};
    suback.packet_id = 32'768;
    suback.type = PacketType::suback;
    suback.codes = codes;
    rig.in_gets(suback);
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#3");
}

TEST_CASE("the end of one connection is the end of the other one") {
    RelayRig rig;
    rig.connects();
    rig.events();
    rig.relay.upstream_closed(Relay::Closed::by_peer, rig.now);
    CHECK(rig.in() == "DISCONNECT");
    CHECK(rig.relay.wants_inner_close());
    rig.relay.inner_closed(rig.now);
    CHECK(rig.relay.is_closed());
    CHECK(rig.events() == "ended");
    CHECK(rig.last_text == "the upstream has closed the connection");

    rig.connects({.upstream_present = true, .inner_present = true});
    rig.relay.inner_closed(rig.now);
    CHECK(rig.up() == "DISCONNECT");
    CHECK(rig.relay.wants_upstream_close());
    rig.relay.upstream_closed(Relay::Closed::lost, rig.now);
    CHECK(rig.relay.is_closed());
}

TEST_CASE("a bridge that is stopped says goodbye on both sides") {
    RelayRig rig;
    rig.connects();
    rig.relay.stop(rig.now);
    CHECK(rig.up() == "DISCONNECT");
    CHECK(rig.in() == "DISCONNECT");
    rig.finishes();
}

RelayOptions options_with_state() {
    RelayOptions options = relay_options();
    options.will = client::WillOptions{"gw/state", "0", QoS::at_most_once, true, {}};
    return options;
}

TEST_CASE("[MQTT-3.1.3-9] a planned reconnect leaves the absence to a delayed will, any other end tells it at once") {
    RelayRig rig(options_with_state());
    rig.relay.set_credentials("u", "token", rig.now + 1h);
    rig.connects();
    CHECK(rig.last_connect(true).will->properties.number(PropertyId::will_delay_interval) == 30);
    SUBCASE("a planned reconnect") {
        rig.relay.stop(rig.now, true);
        CHECK(rig.up() == "DISCONNECT disconnect_with_will");
        rig.relay.stop(rig.now);  // the bridge is stopped before it is back: the will is due already
        CHECK(rig.up() == "");
    }
    SUBCASE("a stop") {
        rig.relay.stop(rig.now);
        CHECK(rig.up() == "PUBLISH gw/state 0 retain | DISCONNECT");
    }
    SUBCASE("the loss of the local broker") {
        rig.relay.inner_closed(rig.now);
        CHECK(rig.up() == "PUBLISH gw/state 0 retain | DISCONNECT");
    }
    rig.relay.upstream_closed(Relay::Closed::lost, rig.now);
}

TEST_CASE("without a delayed will, every end tells the absence") {
    for (const bool is_back_soon : {false, true}) {
        CAPTURE(is_back_soon);
        RelayRig rig(options_with_state());
        rig.connects();
        CHECK_FALSE(rig.last_connect(true).will->properties.number(PropertyId::will_delay_interval));
        rig.relay.stop(rig.now, is_back_soon);
        CHECK(rig.up() == "DISCONNECT disconnect_with_will");
        RelayRig old(options_with_state(), old_upstream(UpstreamKind::mosquitto));
        old.relay.set_credentials("u", "token", old.now + 1h);
        old.connects();
        old.relay.stop(old.now, is_back_soon);
        CHECK(old.up() == "PUBLISH gw/state 0 retain | DISCONNECT");
    }
}

TEST_CASE("rules 1 and 2: an answer of 3.1.1 to MQTT 5, or a close without a byte, leads to 3.1.1 at once") {
    for (const bool is_silent : {false, true}) {
        RelayRig rig(relay_options(), {});
        rig.relay.upstream_opened(rig.now);
        rig.up();
        CHECK(rig.last_connect(true).version == v5);
        if (is_silent)
            rig.relay.upstream_closed(Relay::Closed::by_peer, rig.now + 20ms);
        else
            rig.up_gets_bytes({0x20, 2, 0, 1});
        CHECK(rig.relay.retry_class() == RetryClass::at_once);
        if (!is_silent) rig.finishes();
        CHECK(rig.events() == "ended");
        rig.connects();
        CHECK(rig.last_connect(true).version == v311);
        rig.loses_upstream();
        rig.connects();
        CHECK(rig.last_connect(true).version == v311);
    }
}

TEST_CASE("rules 3 and 4: an upstream that accepts TCP and does not answer is a state of its own") {
    RelayRig rig;
    rig.relay.upstream_opened(rig.now);
    rig.up();
    rig.passes(29s);
    CHECK(rig.relay.stage() == Relay::Stage::greeting);
    rig.passes(2s);
    CHECK(rig.relay.stage() == Relay::Stage::ending);
    CHECK(rig.events() == "ended");
    CHECK(rig.last_text.starts_with("the upstream does not answer: "));
    rig.finishes();
}

TEST_CASE("rule 3: CONNACK proves nothing; SUBACK, PINGRESP or PUBACK do") {
    RelayOptions options = relay_options();
    options.routes.pop_back();  // no incoming route, so no SUBSCRIBE to the upstream
    RelayRig rig(options);
    rig.connects();
    CHECK(rig.events() == "connected | relaying");
    rig.passes(31s);
    CHECK(rig.up() == "PINGREQ");
    rig.up_gets_bytes({0xD0, 0});
    CHECK(rig.events() == "proven");
    rig.passes(31s);
    rig.up();
    rig.passes(60s);  // no PINGRESP
    CHECK(rig.events() == "ended");
    CHECK(rig.last_text.starts_with("the upstream does not answer: "));
}

TEST_CASE("rule 26: codes 4 and 5 need an operator; other refusals are the network's") {
    const auto refused_with = [](Byte code) {
        RelayRig rig(relay_options(), old_upstream(UpstreamKind::rabbitmq));
        rig.relay.upstream_opened(rig.now);
        rig.up();
        rig.up_gets_bytes({0x20, 2, 0, code});
        rig.finishes();
        return rig.relay.retry_class();
    };
    CHECK(refused_with(4) == RetryClass::operator_needed);
    CHECK(refused_with(5) == RetryClass::operator_needed);
    CHECK(refused_with(3) == RetryClass::network);
}

TEST_CASE("rule 23: a client id that is used twice is noticed") {
    RelayRig rig;
    for (int i = 0; i < 3; ++i) {
        rig.connects({.upstream_present = true, .inner_present = true});
        rig.events();
        rig.loses_upstream();
        CHECK(rig.events() == (i == 2 ? "client_id_in_use | ended" : "ended"));
    }
    rig.connects({.upstream_present = true, .inner_present = true});
    rig.events();
    rig.up_gets(wire::Disconnect{ReasonCode::session_taken_over, {}});
    CHECK(rig.events() == "client_id_in_use | ended");
}

TEST_CASE("rule 8: all filters are subscribed to after every CONNACK, whatever it says") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::activemq));
    for (const bool is_present : {false, true, false}) {
        rig.opens({.upstream_present = is_present});
        rig.opens_inner({.inner_present = true});
        CHECK(rig.answers_requests() == "in SUBSCRIBE 32768 plant/# | up SUBSCRIBE 32768 site/cmd/#");
        rig.loses_upstream();
    }
}

TEST_CASE("rule 9: filters go in batches, and the next batch waits for the answer to the last one") {
    RelayOptions options = relay_options();
    options.routes.clear();
    for (int i = 0; i < 120; ++i) options.routes.push_back(in_route("f" + std::to_string(i)));
    RelayRig rig(options);
    rig.opens();
    rig.opens_inner();
    const std::string first = rig.up();
    CHECK(std::count(first.begin(), first.end(), 'f') == 50);
    CHECK(rig.up() == "");
    rig.passes(31s);
    CHECK(rig.up() == "PINGREQ");
    rig.up_gets_bytes({0xD0, 0});
    rig.passes(28s);
    CHECK(rig.relay.stage() == Relay::Stage::subscribing);
    rig.passes(2s);
    CHECK(rig.events() == "connected | proven | ended");
    CHECK(rig.last_text == "the upstream does not answer a subscription");
    rig.finishes();
    rig.opens();
    rig.opens_inner({.inner_present = true});
    const std::string all = rig.answers_requests();
    CHECK(std::count(all.begin(), all.end(), 'f') == 120);
    CHECK(std::count(all.begin(), all.end(), '|') == 2);
}

TEST_CASE("rule 9: every code of SUBACK is checked, and QoS 0 is asked for only if configured") {
    RelayOptions options = relay_options();
    options.falls_back_to_qos0 = true;
    RelayRig rig(options, old_upstream(UpstreamKind::nats));
    rig.opens();
    rig.opens_inner();
    rig.events();
    CHECK(rig.answers_requests(ReasonCode::unspecified_error) ==
          "in SUBSCRIBE 32768 plant/# | up SUBSCRIBE 32768 site/cmd/# | up SUBSCRIBE 32768 site/cmd/#");
    CHECK(rig.events() == "proven | filter_refused site/cmd/# | filter_refused site/cmd/# | relaying");
    CHECK(rig.relay.stage() == Relay::Stage::relaying);
    CHECK(rig.relay.refused_filters() == std::vector<std::string>{"site/cmd/#"});
    rig.loses_upstream();
    CHECK(rig.relay.refused_filters().size() == 1);  // the state of the last connection
    rig.connects({.inner_present = true});
    CHECK(rig.relay.refused_filters().empty());
    RelayRig lowered;
    lowered.opens();
    lowered.opens_inner();
    lowered.events();
    lowered.answers_requests(ReasonCode::granted_qos_1);
    CHECK(lowered.events() == "proven | filter_lowered site/cmd/# | qos_lowered | relaying");
}

TEST_CASE("rule 16: an upstream without a session gets all retained messages again") {
    const auto handling = [](bool is_present, bool republishes) {
        RelayOptions options = relay_options();
        options.routes[1].qos = QoS::at_least_once;  // nothing to wash
        options.republishes_retained = republishes;
        RelayRig rig(options);
        rig.opens({.upstream_present = is_present});
        rig.opens_inner({.inner_present = true});
        const Bytes output = rig.relay.inner_output();
        const auto packet = wire::decode_subscribe(output, v5);
        REQUIRE(packet.ok());
        const auto entry = *packet->entries.begin();
        CHECK(entry.options.no_local);
        CHECK(entry.options.retain_as_published);
        return entry.options.retain_handling;
    };
    CHECK(handling(false, false) == wire::RetainHandling::send);
    CHECK(handling(true, false) == wire::RetainHandling::send_if_new);
    CHECK(handling(true, true) == wire::RetainHandling::send);
}

TEST_CASE("retained messages that are owed for a filter are asked for until the local broker has granted the filter") {
    RelayOptions options = relay_options();
    options.routes.push_back(out_route("added/#", "", "site/"));
    RelayRig rig(options);
    rig.relay.note_retained_owed({"added/#"});
    const auto handlings = [&] {
        rig.opens({.upstream_present = true});
        rig.opens_inner({.inner_present = true});
        const Bytes output = rig.relay.inner_output();
        const auto packet = wire::decode_subscribe(output, v5);
        REQUIRE(packet.ok());
        std::vector<wire::RetainHandling> all;
        for (const auto& entry : packet->entries) all.push_back(entry.options.retain_handling);
        return all;
    };
    using wire::RetainHandling;
    const std::vector<RetainHandling> owed = {RetainHandling::send_if_new, RetainHandling::send};
    CHECK(handlings() == owed);
    rig.loses_upstream();
    CHECK(handlings() == owed);
    rig.answers_requests();
    rig.loses_upstream();
    CHECK(handlings() == std::vector<RetainHandling>{RetainHandling::send_if_new, RetainHandling::send_if_new});
}

TEST_CASE("rule 22: the state is published after every connect") {
    RelayOptions options = relay_options();
    options.online_message = client::WillOptions{"site/state", "1", qos0, true, {}};
    RelayRig rig(options);
    rig.connects();
    CHECK(rig.up() == "PUBLISH site/state 1 retain");
}

TEST_CASE("session present = 0: what the local broker repeats is new for the upstream") {
    RelayOptions options = relay_options();
    options.routes[1].qos = QoS::at_least_once;
    RelayRig rig(options);
    rig.connects({.inner_present = true});
    rig.in_gets(publish("plant/a", "1", qos2, 3, true));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q2#3");
    rig.in_gets(ack(PacketType::pubrel, 4));  // the upstream had the message, and has forgotten its id
    CHECK(rig.in() == "PUBCOMP 4");
    CHECK(rig.up() == "");
    rig.loses_upstream();
    rig.connects({.upstream_present = true, .inner_present = true});
    rig.in_gets(publish("plant/a", "1", qos2, 3, true));
    rig.in_gets(ack(PacketType::pubrel, 4));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q2#3 dup | PUBREL 4");
    rig.up_gets(ack(PacketType::pubcomp, 4));
    CHECK(rig.in() == "PUBCOMP 4");
}

TEST_CASE("an upstream that has lost its session uses its ids anew: the local broker must forget the old ones first") {
    RelayRig rig;
    rig.connects();  // the local session is new, so all ids are known from here on
    rig.up_gets(publish("site/cmd/a", "1", qos2, 3));
    rig.in_gets(ack(PacketType::pubrec, 3));
    rig.loses_upstream();
    rig.events();
    rig.opens();
    rig.up_gets(publish("site/cmd/a", "other", qos2, 3));
    rig.opens_inner({.inner_present = true});
    CHECK(rig.relay.stage() == Relay::Stage::washing);
    CHECK(rig.in() == "PUBREL 3");
    rig.in_gets(ack(PacketType::pubcomp, 3));
    CHECK(rig.up() == "");
    rig.answers_requests();
    CHECK(rig.in() == "PUBLISH cmd/a other q2#3");
    CHECK(rig.events() == "connected | upstream_session_lost | proven | relaying");
}

TEST_CASE("after a restart of the process all packet ids are washed, because none is known") {
    RelayRig rig;
    rig.opens();
    rig.opens_inner({.inner_present = true});
    int washed = 0;
    while (rig.relay.stage() == Relay::Stage::washing) {
        const Bytes output = rig.relay.inner_output();
        const std::vector<Byte> bytes(output.begin(), output.end());
        rig.relay.inner_sent(bytes.size(), rig.now);
        REQUIRE_FALSE(bytes.empty());
        Bytes rest(bytes);
        for (wire::Framer framer;;) {
            const auto next = framer.next(rest, wire::packet_size_max);
            if (next.status != wire::Framer::Status::frame) break;
            const auto packet = wire::decode_ack(next.frame, v5);
            REQUIRE(packet.ok());
            REQUIRE(packet->type == PacketType::pubrel);
            ++washed;
            rig.in_gets(ack(PacketType::pubcomp, packet->packet_id, ReasonCode::packet_identifier_not_found));
            if (rig.relay.stage() != Relay::Stage::washing) break;
        }
    }
    CHECK(washed == 65'535);
    rig.answers_requests();
    CHECK(rig.relay.stage() == Relay::Stage::relaying);
}

TEST_CASE("a local broker that does not answer PUBREL ends the connections after a minute") {
    RelayRig rig;
    rig.opens();
    rig.opens_inner({.inner_present = true});
    REQUIRE(rig.relay.stage() == Relay::Stage::washing);
    rig.events();
    rig.passes(59s);
    rig.in_gets(ack(PacketType::pubcomp, 1, ReasonCode::packet_identifier_not_found));
    rig.passes(59s);
    CHECK(rig.events() == "");
    rig.passes(1s);
    CHECK(rig.events() == "ended");
    CHECK(rig.last_text == "the local broker does not answer PUBREL");
}

TEST_CASE("[MQTT-3.2.2-4] a lost local session makes the upstream's session useless, and both begin anew") {
    RelayRig rig;
    rig.opens({.upstream_present = true});
    rig.events();
    rig.opens_inner();
    CHECK(rig.events() == "upstream_session_discarded | ended");
    CHECK(rig.relay.retry_class() == RetryClass::at_once);
    rig.finishes();
    rig.connects();
    CHECK(rig.last_connect(true).clean_start);
    rig.loses_upstream();
    rig.connects({.upstream_present = true, .inner_present = true});
    CHECK_FALSE(rig.last_connect(true).clean_start);
    RelayRig old(relay_options(), old_upstream(UpstreamKind::mosquitto));
    old.opens({.upstream_present = true});
    old.opens_inner();
    old.finishes();
    old.opens();  // a clean session of 3.1.1 would not outlive its connection
    CHECK(old.last_connect(true).clean_start);
    CHECK(old.relay.stage() == Relay::Stage::ending);
    old.finishes();
    old.connects();
    CHECK_FALSE(old.last_connect(true).clean_start);
}

TEST_CASE("[MQTT-3.2.2-4] a local session that was just made for the bridge counts as lost, and stays") {
    RelayRig rig;
    rig.relay.note_new_inner_session();
    rig.opens({.upstream_present = true});
    rig.opens_inner({.inner_present = true});
    CHECK(rig.events() == "connected | upstream_session_discarded | ended");
    const std::string to_local = rig.in();
    CHECK(to_local.find("DISCONNECT") != std::string::npos);
    rig.finishes();
    rig.connects({.inner_present = true});
    CHECK(rig.last_connect(true).clean_start);
    rig.loses_upstream();
    rig.connects({.upstream_present = true, .inner_present = true});  // it counts once
    CHECK_FALSE(rig.last_connect(true).clean_start);
    SUBCASE("an upstream without a session needs no clean start") {
        RelayRig other;
        other.relay.note_new_inner_session();
        other.connects({.inner_present = true});
        CHECK_FALSE(other.last_connect(true).clean_start);
        other.loses_upstream();
        other.connects({.upstream_present = true, .inner_present = true});
        CHECK_FALSE(other.last_connect(true).clean_start);
    }
}

TEST_CASE("the packet id of a request is none that a message of QoS 2 may still have") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos2, 40'000));
    rig.up_gets(ack(PacketType::pubrec, 40'000));
    rig.in_gets(publish("plant/a", "2", qos1, 7'232));  // 40,000 is opposite of it
    rig.up_gets(publish("site/cmd/a", "1", qos2, 40'000));
    rig.up_gets(publish("site/cmd/a", "2", qos1, 7'231));
    rig.loses_upstream();
    rig.opens({.upstream_present = true});
    rig.opens_inner({.inner_present = true});
    const std::string requests = rig.answers_requests();
    CHECK(requests == "in SUBSCRIBE 39999 plant/# | up SUBSCRIBE 40001 site/cmd/#");
}

TEST_CASE("a message that brings the packet id of an open request waits for the answer to the request") {
    RelayRig rig;
    rig.opens({.upstream_present = true});
    rig.opens_inner({.inner_present = true});
    const std::vector<Byte> codes = {2};
    wire::Suback suback{PacketType::suback, 32'768, codes, {}};
    CHECK(rig.in() == "SUBSCRIBE 32768 plant/#");
    rig.in_gets(suback);
    CHECK(rig.up() == "SUBSCRIBE 32768 site/cmd/#");
    rig.in_gets(publish("plant/a", "1", qos1, 32'767));
    rig.in_gets(publish("plant/a", "2", qos1, 32'768));
    rig.in_gets(publish("plant/a", "3", qos1, 32'769));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q1#32767");
    rig.up_gets(suback);
    CHECK(rig.up() == "PUBLISH site/plant/a 2 q1#32768 | PUBLISH site/plant/a 3 q1#32769");
}

TEST_CASE("a relay that is ending has no deadline in the past, so that its owner's loop can sleep") {
    RelayRig rig;
    rig.opens();
    rig.opens_inner();
    rig.passes(2min);  // nobody answers any more
    REQUIRE(rig.relay.stage() == Relay::Stage::ending);
    rig.now += 2min;  // beyond the deadline of the open request
    rig.relay.on_time(rig.now);
    CHECK(rig.relay.next_deadline() > rig.now);
}

}  // namespace
}  // namespace ledge::bridge
