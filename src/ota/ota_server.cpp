#include "ledge/ota/ota_server.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "device_table.hpp"
#include "image_folder.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/inner/inner_client.hpp"
#include "ledge/session/inner_clients.hpp"
#include "manifests.hpp"
#include "messages.hpp"

namespace ledge::ota {

namespace {

constexpr std::string_view part_name = "ota";

struct OtaFact {
    std::string_view topic;  // below $SYS/broker/
    std::uint64_t OtaFigures::*figure;
};
constexpr OtaFact ota_facts[] = {{"ota/images", &OtaFigures::images},
                                 {"ota/blocks", &OtaFigures::blocks},
                                 {"ota/bytes", &OtaFigures::bytes},
                                 {"ota/refused", &OtaFigures::refused}};

/// Answers of QoS 1 that the core has not acknowledged. Above it, requests wait: a core that is busy with its store is
/// not helped by more.
constexpr std::size_t held_answers_max = 100;

/// More than an answer has beside its data: the topic, the head, and what MQTT adds. A manifest has fewer bytes.
constexpr std::size_t envelope_bytes_max = 1024;

inner::InnerClientOptions client_options(const OtaOptions& options) {
    inner::InnerClientOptions client;
    client.listener = options.inner_listener;
    client.address = session::listener_of_part(part_name);
    client.user = client.client.client_id = session::client_id_of_part(part_name);
    // A request that is lost with the connection is repeated by the device.
    client.client.session_expiry_s = 0;
    // Answers of a lost connection are of no use: the devices ask again. A manifest is published again anyway.
    client.client.republishes_lost = false;
    client.filters = {{options.topic_prefix + "/get/+", {.qos = wire::QoS::at_least_once}},
                      {options.topic_prefix + "/manifest/+", {}},
                      {options.topic_prefix + "/image/+", {}}};
    return client;
}

}  // namespace

struct OtaServer::Parts {
    Parts(const OtaOptions& options_, const runtime::LoopServices& services, const Log& log_)
        : options(options_),
          log(log_),
          shard(services.shard),
          get_prefix(options.topic_prefix + "/get/"),
          block_prefix(options.topic_prefix + "/block/"),
          client(services.driver, client_options(options)),
          folder(options, log),
          manifests(options.topic_prefix),
          devices(options.device_bytes_per_second_max) {}

    void work(Instant now);
    void read(Instant now);
    void on_message(const wire::Publish& packet, Instant now);
    void on_done(const client::PublishDone& done);
    bool wants_announcement() const { return !is_announced || announced != folder.version(); }
    void announce();
    void serve(Instant now);
    void answer(DeviceTable::Device& device);
    Status fill(const Request& request, std::vector<Byte>& answer);
    bool knows_all(Instant now);
    bool may_publish() const;
    void tell_problem();
    void tell_figures(Instant now);
    /// An idle server publishes nothing, so it does not wake up for its figures.
    bool has_news() const { return !(figures() == told); }
    OtaFigures figures() const;

    OtaOptions options;
    const Log& log;
    broker::Shard& shard;
    std::string get_prefix;
    std::string block_prefix;
    inner::InnerClient client;
    ImageFolder folder;
    Manifests manifests;
    DeviceTable devices;
    TokenBucket rate;  // of all devices together
    OtaFigures counted;
    OtaFigures told;  // in $SYS
    Instant look_at = never;
    Instant serve_at = never;  // when a waiting request can be answered
    Instant told_at{};
    Instant started_at{};
    std::uint64_t announced = 0;  // the version of the folder whose manifests are published
    bool is_announced = false;    // false = the manifests must be compared again
    bool has_looked = false;      // every file of the first look is hashed
    bool is_unfinished = false;   // more requests can be answered at once
    bool is_blocked = false;      // requests wait until the core has taken some answers
    bool is_refused = false;      // the core has refused a manifest since the last look
    bool is_refusal_told = false;
    bool is_stopping = false;
    std::string told_problem;
};

OtaServer::OtaServer(const OtaOptions& options, const runtime::LoopServices& services, const Log& log)
    : parts_(std::make_unique<Parts>(options, services, log)) {}

OtaServer::~OtaServer() = default;

// ---------------------------------------------------------------------------------------------------------------------
// The loop

void OtaServer::start(Instant now) {
    parts_->rate = TokenBucket(parts_->options.bytes_per_second_max, 0, now);
    parts_->look_at = parts_->started_at = parts_->told_at = now;
    parts_->client.start(now);
    parts_->tell_figures(now);
}

void OtaServer::turn(Instant now) {
    parts_->work(now);
    parts_->client.turn(now);
}

bool OtaServer::wants_turn() const {
    const Parts& parts = *parts_;
    if (parts.client.wants_turn() || parts.is_stopping) return parts.client.wants_turn();
    const bool may_go_on = (parts.is_blocked || parts.wants_announcement()) && parts.may_publish();
    return parts.client.has_input() || parts.folder.is_hashing() || parts.is_unfinished || may_go_on;
}

void OtaServer::on_time(Instant now) {
    Parts& parts = *parts_;
    parts.client.on_time(now);
    if (now >= parts.look_at) {
        parts.look_at = parts.folder.look(now);
        if (std::exchange(parts.is_refused, false)) parts.is_announced = false;
    }
    parts.work(now);
    if (now >= parts.told_at + facts_interval) parts.tell_figures(now);
}

Instant OtaServer::next_deadline() const {
    const Parts& parts = *parts_;
    if (parts.is_stopping) return parts.client.next_deadline();
    const Instant tell_at = parts.has_news() ? parts.told_at + facts_interval : never;
    return std::min({parts.client.next_deadline(), parts.look_at, parts.serve_at, tell_at});
}

void OtaServer::stop(Instant now) {
    parts_->is_stopping = true;
    parts_->client.stop(now);
}

bool OtaServer::is_stopped() const { return parts_->is_stopping && parts_->client.is_stopped(); }

OtaFigures OtaServer::figures() const { return parts_->figures(); }

OtaFigures OtaServer::Parts::figures() const {
    OtaFigures all = counted;
    all.images = folder.size();
    all.waiting = devices.waiting();
    return all;
}

/// Everything but the bytes of the connection.
void OtaServer::Parts::work(Instant now) {
    read(now);
    if (is_stopping) return;
    if (folder.is_hashing()) folder.hash_slice();
    announce();
    serve(now);
}

// ---------------------------------------------------------------------------------------------------------------------
// What comes

void OtaServer::Parts::read(Instant now) {
    while (true) {
        const client::Event event = client.next_event(now);
        if (client::is_nothing(event)) break;
        if (std::holds_alternative<client::Connected>(event)) is_announced = false;
        if (const auto* const done = std::get_if<client::PublishDone>(&event)) on_done(*done);
        if (const auto* const message = std::get_if<client::Message>(&event)) on_message(message->packet, now);
    }
    tell_problem();
}

void OtaServer::Parts::on_message(const wire::Publish& packet, Instant now) {
    if (packet.topic.starts_with(get_prefix)) {
        const std::string_view device = packet.topic.substr(get_prefix.size());
        // What comes after the acknowledgement is up to the device: it repeats a request that got no answer.
        if (!devices.note(device, parse_request(packet.payload), packet.qos, now)) ++counted.refused;
        serve_at = now;
    } else if (packet.retain && manifests.is_own(packet.topic)) {
        manifests.note_retained(packet.topic, packet.payload);
        is_announced = false;
    }
    if (packet.qos != wire::QoS::at_most_once) client.client().acknowledge(packet.packet_id);
}

/// A manifest that the broker refuses (limits of retained messages, no room in the store) is published again after the
/// next look.
void OtaServer::Parts::on_done(const client::PublishDone& done) {
    if (!manifests.is_refused(done)) return;
    is_refused = true;
    const bool is_answer = done.how == client::PublishDone::How::answered;  // otherwise the connection was lost
    if (is_answer && !std::exchange(is_refusal_told, true))
        log.warning("ota_local_problem",
                    {{"reason", "the local broker refuses a manifest: " + std::string(wire::name_of(done.code))}});
}

/// A problem that lasts is met again every second, and logged once.
void OtaServer::Parts::tell_problem() {
    if (client.problem() == told_problem || is_stopping) return;
    told_problem = client.problem();
    if (!told_problem.empty()) log.warning("ota_local_problem", {{"reason", told_problem}});
}

// ---------------------------------------------------------------------------------------------------------------------
// What leaves

/// True: the client takes one more answer, whatever its size and QoS are. Otherwise a device would wait for an answer
/// that was dropped.
bool OtaServer::Parts::may_publish() const {
    const client::Client& core = client.client();
    const client::Limits& limits = core.options().limits;
    const std::size_t bytes = std::size_t{options.block_bytes_max} + envelope_bytes_max;
    return client.is_running() && core.output().size() + bytes <= limits.outbox_bytes_max &&
           core.held_bytes() + bytes <= limits.held_bytes_max && core.held_messages() < held_answers_max;
}

/// Publishes what differs from the retained messages. It is computed anew only after a change on either side.
void OtaServer::Parts::announce() {
    if (!wants_announcement() || !may_publish()) return;
    for (const Publication& one : manifests.differences(folder)) {
        if (!may_publish()) return;  // the rest follows when the core has acknowledged some
        wire::Publish packet;
        packet.topic = one.topic;
        packet.payload = one.payload;
        packet.qos = wire::QoS::at_least_once;
        packet.retain = true;
        const auto sent = client.client().publish(packet);
        if (!sent.ok()) {  // the topic stays one of the differences, for the time after the next look
            is_refused = true;
            continue;
        }
        manifests.published(one, *sent);
    }
    announced = folder.version();
    is_announced = true;
}

/// True when every file that was there at the start has been looked at, so an unknown image is none.
bool OtaServer::Parts::knows_all(Instant now) {
    has_looked |= look_at > started_at && !folder.is_pending();
    has_looked |= now >= started_at + first_look_time_max;
    return has_looked;
}

void OtaServer::Parts::serve(Instant now) {
    if (now < serve_at && !is_unfinished && !is_blocked && has_looked) return;
    is_unfinished = false;
    is_blocked = devices.has_waiting() && !may_publish();
    if (!devices.has_waiting() || is_blocked) {
        serve_at = never;
        return;
    }
    if (!knows_all(now)) {
        serve_at = started_at + first_look_time_max;
        return;
    }
    rate.refill(now);
    for (int answers = 0; rate.is_ready() && may_publish(); ++answers) {
        DeviceTable::Device* const device = devices.next(now);
        if (device == nullptr) break;
        if (answers == answers_per_turn_max) {
            is_unfinished = true;
            break;
        }
        answer(*device);
    }
    is_blocked = devices.has_waiting() && !may_publish();
    const bool waits_for_rate = !is_blocked && !is_unfinished;
    serve_at = waits_for_rate ? std::max(rate.ready_at(), devices.ready_at()) : never;
}

void OtaServer::Parts::answer(DeviceTable::Device& device) {
    Request request = device.request;
    if (request.bytes == 0) request = {};
    std::vector<Byte> bytes = begin_answer(request, Status::data);
    const Status status = fill(request, bytes);
    bytes[answer_head_bytes - 1] = static_cast<Byte>(status);
    const std::string topic = block_prefix + device.name;
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = bytes;
    packet.qos = device.qos;
    const bool is_published = client.client().publish(packet).ok();
    if (is_published && status == Status::data) {
        ++counted.blocks;
        counted.bytes += bytes.size() - answer_head_bytes;
    } else {
        ++counted.refused;
    }
    // The topic counts too, so that small answers and errors have their price.
    const std::size_t price = topic.size() + bytes.size();
    rate.take(price);
    devices.served(device, price);
}

/// Appends the block to the answer.
Status OtaServer::Parts::fill(const Request& request, std::vector<Byte>& answer) {
    if (request.bytes == 0) return Status::malformed;
    const Image* const image = folder.find(request.image);
    if (image == nullptr) return Status::unknown_image;
    if (request.offset >= image->size) return Status::beyond_end;
    const std::size_t bytes_max = std::min<std::size_t>(request.bytes, options.block_bytes_max);
    return folder.read(*image, request.offset, bytes_max, answer) ? Status::data : Status::unknown_image;
}

// ---------------------------------------------------------------------------------------------------------------------
// Figures

void OtaServer::Parts::tell_figures(Instant now) {
    const bool is_first = now == started_at;
    const OtaFigures before = std::exchange(told, figures());
    told_at = now;
    if (shard.sys_interval() == Duration::zero()) return;
    for (const OtaFact& fact : ota_facts)
        if (is_first || told.*fact.figure != before.*fact.figure)
            shard.publish_fact(fact.topic, std::to_string(told.*fact.figure), now);
}

}  // namespace ledge::ota
