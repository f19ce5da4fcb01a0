#include "relay_rig.hpp"

namespace ledge::bridge {
namespace {

void add_text(std::string& all, const std::string& one) {
    if (!all.empty() && !one.empty()) all += " | ";
    all += one;
}

}  // namespace

RelayOptions relay_options() {
    RelayOptions options;
    options.routes = {out_route("plant/#", "", "site/"), in_route("cmd/#", "", "site/")};
    for (Route& route : options.routes) route.qos = QoS::exactly_once;
    options.client_id = "gw";
    options.inner_client_id = "bridge";
    options.own_id = "gw-17";
    options.dead_letter_topic = "dead";
    return options;
}

UpstreamOptions honest_upstream() {
    UpstreamOptions options;
    options.kind = UpstreamKind::ledgemq;
    return options;
}

UpstreamOptions old_upstream(UpstreamKind kind) {
    UpstreamOptions options;
    options.kind = kind;
    options.protocol = ProtocolChoice::v3_1_1;
    return options;
}

void RelayRig::opens(const Connacks& connacks) {
    REQUIRE(relay.is_closed());
    relay.upstream_opened(now);
    REQUIRE(up() == "CONNECT gw");
    wire::Connack connack;
    connack.session_present = connacks.upstream_present;
    connack.properties = connacks.upstream_properties.view();
    up_gets(connack);
}

void RelayRig::opens_inner(const Connacks& connacks) {
    REQUIRE(relay.wants_inner());
    relay.inner_opened(now);
    REQUIRE(in() == "CONNECT bridge");
    wire::Connack connack;
    connack.session_present = connacks.inner_present;
    connack.properties = connacks.inner_properties.view();
    in_gets(connack);
}

void RelayRig::connects(const Connacks& connacks) {
    opens(connacks);
    opens_inner(connacks);
    answers_requests();
    REQUIRE(relay.stage() == Relay::Stage::relaying);
}

std::string RelayRig::answers_requests(ReasonCode code) {
    std::string all;
    for (bool is_more = true; is_more;) {
        is_more = false;
        for (const bool is_up : {false, true}) {
            for (const auto& frame : take_frames(is_up)) {
                const std::string one = answer(frame, is_up, is_up ? code : ReasonCode::success);
                if (one.empty())
                    frames_[is_up].push_back(frame);
                else
                    is_more = true;
                add_text(all, one);
            }
        }
    }
    return all;
}

std::string RelayRig::answer(const std::vector<Byte>& frame, bool is_up, ReasonCode code) {
    const wire::Version version = is_up ? upstream.dialect().version : v5;
    const PacketType type = wire::type_of(frame);
    wire::Suback answer;
    std::vector<Byte> codes;
    if (type == PacketType::subscribe) {
        const auto packet = wire::decode_subscribe(frame, version);
        for (const auto& entry : packet->entries)
            codes.push_back(static_cast<Byte>(code == ReasonCode::success ? static_cast<int>(entry.options.qos)
                                                                          : static_cast<int>(code)));
        answer = {PacketType::suback, packet->packet_id, codes, {}};
    } else {
        return "";
    }
    if (is_up)
        up_gets(answer);
    else
        in_gets(answer);
    return (is_up ? "up " : "in ") + client::text_of_frame(frame, version);
}

std::vector<std::vector<Byte>> RelayRig::take_frames(bool is_up) {
    const Bytes output = is_up ? relay.upstream_output() : relay.inner_output();
    std::vector<Byte> bytes(output.begin(), output.end());
    if (is_up)
        relay.upstream_sent(bytes.size(), now);
    else
        relay.inner_sent(bytes.size(), now);
    std::vector<std::vector<Byte>> frames;
    wire::Framer framer;
    Bytes rest(bytes);
    for (;;) {
        const auto next = framer.next(rest, wire::packet_size_max);
        REQUIRE(next.status != wire::Framer::Status::malformed);
        if (next.status != wire::Framer::Status::frame) break;
        frames.emplace_back(next.frame.begin(), next.frame.end());
        if (wire::type_of(next.frame) == PacketType::publish) last_publish_[is_up] = frames.back();
        if (wire::type_of(next.frame) == PacketType::connect) last_connect_[is_up] = frames.back();
    }
    return frames;
}

std::string RelayRig::text_of_frames(bool is_up) {
    auto frames = std::move(frames_[is_up]);
    frames_[is_up].clear();
    for (auto& frame : take_frames(is_up)) frames.push_back(std::move(frame));
    std::string all;
    for (const auto& frame : frames)
        add_text(all, client::text_of_frame(frame, is_up ? upstream.dialect().version : v5));
    return all;
}

std::string RelayRig::up() { return text_of_frames(true); }
std::string RelayRig::in() { return text_of_frames(false); }

void RelayRig::deliver(std::string& unread, bool is_up) {
    Bytes rest = as_bytes(unread);
    if (is_up)
        relay.upstream_bytes(rest, now);
    else
        relay.inner_bytes(rest, now);
    unread = std::string(as_text(rest));
}

void RelayRig::up_gets_bytes(const std::vector<Byte>& bytes) {
    unread_up_ += as_text(Bytes(bytes));
    deliver(unread_up_, true);
    deliver(unread_in_, false);
    deliver(unread_up_, true);
}

void RelayRig::in_gets_bytes(const std::vector<Byte>& bytes) {
    unread_in_ += as_text(Bytes(bytes));
    deliver(unread_in_, false);
    deliver(unread_up_, true);
    deliver(unread_in_, false);
}

wire::Publish RelayRig::last_publish(bool is_up) {
    return *wire::decode_publish(last_publish_[is_up], is_up ? upstream.dialect().version : v5);
}

wire::Connect RelayRig::last_connect(bool is_up) { return *wire::decode_connect(last_connect_[is_up]); }

void RelayRig::loses_upstream(Relay::Closed how) {
    relay.upstream_closed(how, now);
    finishes();
}

void RelayRig::loses_inner() {
    relay.inner_closed(now);
    finishes();
}

void RelayRig::finishes() {
    up();
    in();
    unread_up_.clear();
    unread_in_.clear();
    if (relay.wants_upstream_close()) relay.upstream_closed(Relay::Closed::lost, now);
    if (relay.wants_inner_close()) relay.inner_closed(now);
    REQUIRE(relay.is_closed());
}

void RelayRig::passes(Duration duration) {
    const Instant target = now + duration;
    while (relay.next_deadline() <= target) {
        now = std::max(now, relay.next_deadline());
        relay.on_time(now);
        if (relay.stage() == Relay::Stage::ending) return;
    }
    now = target;
}

std::string RelayRig::events() {
    std::string all;
    while (auto event = relay.take_event()) {
        add_text(all, std::string(name_of(event->kind)) + (event->topic.empty() ? "" : " " + event->topic));
        last_text = event->text;
        last_code = event->code;
    }
    return all;
}

}  // namespace ledge::bridge
