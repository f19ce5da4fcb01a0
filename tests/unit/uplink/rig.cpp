#include "rig.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "ledge/base/log_events.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/net/post.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/wire/framer.hpp"
#include "ws_script.hpp"

namespace ledge::uplink {
namespace {

using wire::PacketType;
using wire::QoS;

constexpr int waits_max = 5000;  // of 1 ms each
constexpr int settling_turns = 8;
constexpr int turns_max = 2000;  // before everything has come to rest
constexpr Duration step_max = 5s;

Instant virtual_now{};

void keep_line(void* lines, const LogRecord& record) {
    CHECK(mismatch_with_table(record) == "");
    std::string line;
    format_text(record, line);
    static_cast<std::vector<std::string>*>(lines)->push_back(std::move(line));
}

broker::ShardOptions shard_options() {
    broker::ShardOptions options;
    session::ListenerOptions listener;
    listener.allow_anonymous = true;
    listener.limits.queue_bytes_max = 64 * 1024 * 1024;  // more than the kernel holds for a socket
    session::ListenerOptions strict = listener;
    strict.limits.wildcard_subscriptions_available = false;
    session::ListenerOptions bridge = listener;
    bridge.name = "bridge:cloud";
    bridge.queue_rules = {.excluded = {"plant/alarms/#"}, .excluded_client = "$bridge/cloud/priority"};
    session::ListenerOptions lane = listener;
    lane.name = "bridge:cloud/priority";
    lane.queue_rules = {.excluded_client = "$bridge/cloud"};
    options.listeners = {listener, strict, bridge, lane};
    options.sys_interval = 10s;
    return options;
}

bridge::Route route(bridge::Direction direction, std::string filter) {
    bridge::Route made;
    made.direction = direction;
    made.filter = std::move(filter);
    made.remote_prefix = "site/";
    made.qos = QoS::at_least_once;
    return made;
}

UplinkOptions uplink_options() {
    UplinkOptions options;
    options.name = "cloud";
    options.relay.routes = {route(bridge::Direction::out, "plant/#"), route(bridge::Direction::in, "cmd/#")};
    options.relay.client_id = "gw";
    options.relay.inner_client_id = "bridge";
    options.inner_user = "bridge";
    options.relay.own_id = "gw-17";
    options.upstream.kind = bridge::UpstreamKind::ledgemq;
    return options;
}

client::Options local_options(const char* client_id) {
    client::Options options;
    options.client_id = client_id;
    options.keep_alive_s = 0;
    options.limits.held_bytes_max = 16 * 1024 * 1024;
    return options;
}

broker::Shard shard_of(const Log& log, storage::MemoryStore* store) {
    broker::ShardOptions options = shard_options();
    if (store == nullptr) {
        virtual_now = Instant(1h);
        return broker::Shard(options, log, 1, virtual_now);
    }
    options.durability.journal.is_enabled = true;
    const auto image = store->load();
    REQUIRE(image.ok());
    virtual_now = image->now;
    return broker::Shard(options, log, 1, *image, store->reader());
}

void commit(broker::Shard& shard, storage::MemoryStore& store) {
    const auto report = store.commit(shard.take_batch(virtual_now));
    REQUIRE(report.ok());
    shard.on_committed(report->last, report->used_fraction, virtual_now);
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// The upstream

FakeUpstream::FakeUpstream() { listens(); }

void FakeUpstream::listens() {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(listener_.is_open());
    const int yes = 1;
    REQUIRE(::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port_);  // 0 = the system chooses
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&place), size) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&place), &size) == 0);
    port_ = ntohs(place.sin_port);
}

void FakeUpstream::speaks_tls(const net::TlsOptions& options) {
    auto context = net::TlsContext::create(options, net::TlsSecrets::create());
    REQUIRE_MESSAGE(context.ok(), (context.ok() ? "" : text_of(context.error().reason)));
    tls_ = std::move(*context);
}

void FakeUpstream::accepts() {
    if (!listener_.is_open()) return;
    const int got = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got < 0) return;
    ++accepted;
    framer_.emplace();
    web_input_.clear();
    is_web_open_ = false;
    os::Descriptor socket(got);
    // Otherwise the kernel holds a small packet back for some real milliseconds, in which much virtual time passes.
    const int yes = 1;
    REQUIRE(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0);
    if (tls_ == nullptr)
        peer_ = std::make_unique<net::ClientStream>(std::move(socket));
    else
        handshake_ = net::TlsSession::create(tls_, std::move(socket));
}

void FakeUpstream::shakes_hands() {
    switch (handshake_->handshake(net::TlsSession::Extent::all)) {
        case net::TlsSession::Status::want_read:
        case net::TlsSession::Status::want_write: return;
        case net::TlsSession::Status::done: peer_ = std::make_unique<net::ClientStream>(std::move(handshake_)); return;
        case net::TlsSession::Status::ended:
        case net::TlsSession::Status::failed: handshake_.reset(); return;
    }
}

bool FakeUpstream::turn() {
    accepts();
    if (handshake_ != nullptr) shakes_hands();
    if (peer_ == nullptr || !is_reading) return false;
    int error = 0;
    socklen_t error_size = sizeof error;
    // RST is noted here, because read() may first return the bytes that came before it, and TLS does not tell.
    REQUIRE(::getsockopt(peer_->descriptor(), SOL_SOCKET, SO_ERROR, &error, &error_size) == 0);
    was_reset |= error == ECONNRESET || error == EPIPE;
    std::array<Byte, 64 * 1024> buffer;
    const net::ClientStream::Transfer got = peer_->read(buffer);
    using Status = net::ClientStream::Status;
    if (got.status == Status::want_read || got.status == Status::want_write) return false;
    if (got.status != Status::done) {
        peer_.reset();
        return true;
    }
    const Bytes input = Bytes(buffer).first(got.bytes);
    if (web_path.empty()) {
        on_mqtt(input);
    } else {
        web_input_ += as_text(input);
        on_web();
    }
    return true;
}

void FakeUpstream::on_mqtt(Bytes input) {
    for (;;) {
        const auto next = framer_->next(input, wire::packet_size_max);
        if (next.status != wire::Framer::Status::frame) return;
        received.push_back(client::text_of_frame(next.frame, wire::Version::v5));
        if (!is_deaf) answer(next.frame);
    }
}

void FakeUpstream::on_web() {
    if (!is_web_open_) {
        const std::size_t end = web_input_.find("\r\n\r\n");
        if (end == std::string::npos || is_deaf) return;
        is_web_open_ = web_answer.empty();
        sends_plain(is_web_open_ ? ws_accepting(web_input_) : web_answer);
        web_input_.erase(0, end + 4);
    }
    while (const auto frame = ws_take_frame(web_input_)) {
        if (frame->opcode == ws_close) ++web_closes;
        if (frame->opcode == ws_binary) on_mqtt(as_bytes(frame->payload));
    }
}

void FakeUpstream::answer(Bytes frame) {
    const PacketType type = wire::type_of(frame);
    if (type == PacketType::connect) {
        passwords.emplace_back(as_text(wire::decode_connect(frame)->password.value_or(Bytes{})));
        if (greeting.empty())
            sends(wire::Connack{});
        else
            sends_bytes(greeting);
    } else if (type == PacketType::subscribe) {
        const auto packet = wire::decode_subscribe(frame, wire::Version::v5);
        std::vector<Byte> codes;
        for (const auto& entry : packet->entries)
            codes.push_back(refuses_filters ? Byte{0x87} : static_cast<Byte>(entry.options.qos));
        sends(wire::Suback{PacketType::suback, packet->packet_id, codes, {}});
    } else if (type == PacketType::pingreq) {
        sends_bytes(std::string_view("\xD0\x00", 2));
    } else if (type == PacketType::publish) {
        const auto packet = wire::decode_publish(frame, wire::Version::v5);
        if (packet->qos == QoS::at_least_once && acknowledges)
            sends(client::ack(PacketType::puback, packet->packet_id));
    }
}

void FakeUpstream::sends_bytes(std::string_view bytes) {
    if (web_path.empty()) return sends_plain(bytes);
    std::string frames;
    for (std::size_t at = 0; at < bytes.size(); at += web_frame_bytes)
        frames += ws_frame(ws_binary, bytes.substr(at, web_frame_bytes));
    sends_plain(frames);
}

void FakeUpstream::sends_plain(std::string_view bytes) {
    while (peer_ != nullptr && !bytes.empty()) {
        const net::ClientStream::Transfer sent = peer_->write(as_bytes(bytes));
        // The tests send less than the kernel's buffer takes.
        REQUIRE((sent.status == net::ClientStream::Status::done));
        bytes.remove_prefix(sent.bytes);
    }
}

void FakeUpstream::closes_web(std::uint16_t code, std::string_view reason) {
    sends_plain(ws_frame(ws_close, ws_close_payload(code, reason)));
}

void FakeUpstream::hangs_up() { peer_.reset(); }

void FakeUpstream::resets() {
    const linger at_once{1, 0};
    REQUIRE(::setsockopt(peer_->descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    peer_.reset();
}

bool FakeUpstream::has(std::string_view text) const { return count(text) > 0; }

std::size_t FakeUpstream::count(std::string_view text) const {
    return static_cast<std::size_t>(
        std::count_if(received.begin(), received.end(), [&](const std::string& one) { return one.starts_with(text); }));
}

// ---------------------------------------------------------------------------------------------------------------------
// The client of the local broker

Local::Local(transport::Driver& driver, const char* client_id) : end_(driver), mqtt_(local_options(client_id)) {
    REQUIRE(end_.open({0, "local"}));
    mqtt_.connect(true, virtual_now);
}

void Local::publishes(std::string_view topic, std::string_view payload, bool retain, QoS qos) {
    wire::Publish packet = client::publish(topic, payload, qos);
    packet.retain = retain;
    REQUIRE(mqtt_.publish(packet).ok());
}

void Local::subscribes(std::string_view filter) { REQUIRE(mqtt_.subscribe({{filter, {QoS::at_least_once}}}).ok()); }

void Local::turn() {
    const Bytes output = mqtt_.output();
    if (!output.empty()) mqtt_.sent(end_.write(output), virtual_now);
    end_.turn();
    Bytes input = end_.readable();
    const std::size_t size = input.size();
    for (client::Event event = mqtt_.on_bytes(input, virtual_now); !client::is_nothing(event);
         event = mqtt_.on_bytes(input, virtual_now)) {
        handle(event);
    }
    end_.consume(size);
}

bool Local::wants_turn() const {
    return end_.wants_turn() || !end_.readable().empty() || (end_.is_open() && !mqtt_.output().empty());
}

void Local::handle(const client::Event& event) {
    const auto* const message = std::get_if<client::Message>(&event);
    if (message == nullptr) return;
    got.push_back(std::string(message->packet.topic) + " " + std::string(as_text(message->packet.payload)));
    if (message->packet.qos != QoS::at_most_once) mqtt_.acknowledge(message->packet.packet_id);
}

// ---------------------------------------------------------------------------------------------------------------------
// The rig

Rig::Rig(std::size_t servers, storage::MemoryStore* given_store)
    : store(given_store),
      upstreams(servers),
      options(uplink_options()),
      log(LogLevel::debug, keep_line, &log_lines),
      poller(std::move(*net::Poller::create())),
      clock([] { return virtual_now; }),
      shard(shard_of(log, given_store)),
      driver(shard, *poller, clock),
      workers(std::move(*os::WorkerPool::create(net::post_to(io), {}))) {
    connector.use_workers(*workers);
    for (const FakeUpstream& upstream : upstreams) options.servers.push_back(upstream.server());
    local.emplace(driver, "panel");
    for (int i = 0; i < settling_turns; ++i) turn();
}

Rig::~Rig() {
    uplink.reset();
    bridges.reset();
    local.reset();
    driver.close_all();
}

void Rig::secures(std::size_t index, const net::TlsOptions& served) {
    upstreams[index].speaks_tls(served);
    options.servers[index] = upstreams[index].server();
    if (!options.tls) options.tls = net::client_options();
}

void Rig::starts() {
    uplink.emplace(options, connector, driver, log, 1);
    uplink->start(virtual_now);
}

void Rig::adds_lane() {
    REQUIRE(upstreams.size() == 2);
    options.servers.pop_back();
    options.relay.inner_client_id = options.inner_user = "$bridge/cloud";
    options.inner_listener = 2;
    lane = options;
    lane->name = "cloud/priority";
    lane->priority_of = "cloud";
    lane->servers = {upstreams[1].server()};
    lane->relay.client_id = "gw-priority";
    lane->relay.inner_client_id = "$bridge/cloud/priority";
    lane->relay.local_filters = {"plant/alarms/#"};
    lane->relay.carries_incoming = false;
    lane->inner_listener = 3;
}

void Rig::starts_bridges() {
    std::vector<UplinkOptions> all = {options};
    if (lane) all.push_back(*lane);
    bridges.emplace(all, runtime::LoopServices{io, shard, driver, workers.get()}, log, 1);
    bridges->start(virtual_now);
}

bool Rig::until_stage(BridgeStage stage) {
    return until([&] { return bridges->figures(virtual_now).front().stage == stage; });
}

void Rig::runs() {
    starts();
    REQUIRE(until_relaying());
}

void Rig::turn() {
    clock.begin_turn();
    io.restart();
    io.poll();
    poller->poll(0);
    if (uplink) {
        if (uplink->next_deadline() <= virtual_now) {
            uplink->on_time(virtual_now);
            CHECK(uplink->next_deadline() > virtual_now);  // otherwise the loop would never sleep
        }
        uplink->turn(virtual_now);
    }
    if (bridges) {
        if (bridges->next_deadline() <= virtual_now) {
            bridges->on_time(virtual_now);
            CHECK(bridges->next_deadline() > virtual_now);
        }
        bridges->turn(virtual_now);
    }
    if (local) local->turn();
    if (store != nullptr && shard.commit_deadline() != never) commit(shard, *store);
    driver.flush();
    has_upstream_read = false;
    for (FakeUpstream& upstream : upstreams) has_upstream_read |= upstream.turn();
}

bool Rig::until(const std::function<bool()>& is_done) {
    for (int i = 0; i < waits_max; ++i) {
        turn();
        if (is_done()) return true;
        if (!uplink || !uplink->wants_turn()) poller->poll(1);
    }
    return false;
}

bool Rig::until_state(Uplink::State state) {
    return until([&] { return uplink->state() == state; });
}

bool Rig::until_relaying() {
    return until([&] { return uplink->relay().stage() == bridge::Relay::Stage::relaying; });
}

bool Rig::wants_turn() const { return (uplink && uplink->wants_turn()) || (bridges && bridges->wants_turn()); }

Instant Rig::next_deadline() const {
    return std::min(uplink ? uplink->next_deadline() : never, bridges ? bridges->next_deadline() : never);
}

/// As the broker's loop, which wakes up at each deadline, and sleeps only when nothing wants a turn.
void Rig::passes(Duration duration) {
    const Instant target = virtual_now + duration;
    settles();  // what the test has done, happens before time passes
    while (virtual_now < target) {
        const Instant next = std::max(next_deadline(), virtual_now + Duration(1));
        virtual_now = std::min({virtual_now + step_max, next, target});
        settles();
    }
}

void Rig::settles() {
    int quiet_turns = 0;
    for (int i = 0; i < turns_max && quiet_turns < settling_turns; ++i) {
        turn();
        const bool is_busy = wants_turn() || has_upstream_read || (local && local->wants_turn());
        quiet_turns = is_busy ? 0 : quiet_turns + 1;
    }
    CHECK(quiet_turns == settling_turns);  // otherwise the loop would never sleep
}

bool Rig::has_logged(std::string_view text) const {
    return std::any_of(log_lines.begin(), log_lines.end(),
                       [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace ledge::uplink
