#include "ledge/lines/line_port.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/wire/properties.hpp"

namespace ledge::lines {

using wire::QoS;
using wire::ReasonCode;

namespace {

std::string_view bytes_of(LineEnd end) {
    switch (end) {
        case LineEnd::lf: return "\n";
        case LineEnd::crlf: return "\r\n";
        case LineEnd::cr: return "\r";
    }
    return "\n";
}

/// True: the client has no room at present. False: the broker does not allow the message.
bool is_for_now(ReasonCode refusal) {
    return refusal == ReasonCode::quota_exceeded || refusal == ReasonCode::server_unavailable;
}

std::size_t size_of(const Publication& publication) { return publication.topic.size() + publication.payload.size(); }

}  // namespace

LinePort::LinePort(Options options, Instant now)
    : options_(std::move(options)),
      state_topic_(options_.topic_of_state()),
      reader_(options_.line_bytes_max),
      rate_(options_.lines_per_second, 0, now) {
    LEDGE_ASSERT(!options_.topic.empty() && options_.lines_waiting_max > 0);
}

client::Options LinePort::client_options(std::string client_id) const {
    client::Options options;
    options.client_id = std::move(client_id);
    options.session_expiry_s = 0xFFFF'FFFF;  // commands wait however long the port is gone
    options.receive_maximum = commands_max;
    options.limits.held_messages_max = inflight_max + 1;  // and the state
    options.limits.inflight_max = inflight_max + 1;
    if (!state_topic_.empty()) {
        client::WillOptions will;
        will.topic = state_topic_;
        will.payload = offline_text;
        will.qos = QoS::at_least_once;
        will.retain = true;
        options.will = std::move(will);
    }
    return options;
}

// ---------------------------------------------------------------------------------------------------------------------
// The port

void LinePort::opened(Instant now) {
    LEDGE_ASSERT(!is_open_);
    is_open_ = is_state_owed_ = true;
    opened_at_ = now;
    reader_.open();
}

void LinePort::closed() {
    LEDGE_ASSERT(is_open_);
    is_open_ = false;
    is_state_owed_ = true;
    written_ = 0;
}

void LinePort::on_bytes(Bytes bytes, Instant now) {
    LEDGE_ASSERT(is_open_);
    counters_.bytes_in += bytes.size();
    if (reader_.is_untouched() && now - opened_at_ >= silence_before_line) reader_.expect_line_begin();
    rate_.refill(now);
    while (const auto line = reader_.next(bytes)) on_line(*line);
    const LineReader::Counters& read = reader_.counters();
    counters_.losses[static_cast<std::size_t>(Loss::too_long)] = read.too_long;
    counters_.losses[static_cast<std::size_t>(Loss::stale)] = read.stale;
    counters_.lines_in = read.lines + read.too_long + read.stale;
}

void LinePort::on_line(Bytes line) {
    if (!rate_.is_ready()) return counters_.count(Loss::rate);
    rate_.take(1);
    MappedLine mapped = map_line(options_, line);
    switch (mapped.kind) {
        case MappedLine::Kind::published: break;
        case MappedLine::Kind::ignored: ++counters_.lines_ignored; break;
        case MappedLine::Kind::unparsed:
            mapped.publications.empty() ? counters_.count(Loss::unparsed) : void(++counters_.unparsed);
            break;
    }
    for (std::size_t i = 0; i < mapped.bad_levels; ++i) counters_.count(Loss::bad_level);
    for (Publication& publication : mapped.publications) add_waiting(std::move(publication));
}

void LinePort::add_waiting(Publication publication) {
    waiting_bytes_ += size_of(publication);
    waiting_.push_back(std::move(publication));
    while (waiting_.size() > options_.lines_waiting_max || waiting_bytes_ > waiting_bytes_max) {
        counters_.count(Loss::waiting_full);
        drop_oldest();
    }
}

void LinePort::drop_oldest() {
    waiting_bytes_ -= size_of(waiting_.front());
    waiting_.drop_front();
    // After a flood, the memory of a thousand lines is given back.
    if (waiting_.empty()) waiting_.clear();
}

Bytes LinePort::output(client::Client& client, Instant now) {
    if (!is_open_) return {};
    // The Message Expiry Interval goes on while a command waits here. What was begun is written to its end.
    while (!commands_.empty() && written_ == 0 && commands_.front().expires <= now) {
        counters_.count(Loss::command_expired);
        finish_command(client, ReasonCode::success);
    }
    if (commands_.empty()) return {};
    return as_bytes(commands_.front().bytes).subspan(written_);
}

void LinePort::sent(std::size_t count) {
    if (count == 0) return;
    LEDGE_ASSERT(is_open_ && !commands_.empty() && written_ + count <= commands_.front().bytes.size());
    written_ += count;
}

void LinePort::drained(client::Client& client) {
    LEDGE_ASSERT(has_sent());
    ++counters_.commands;
    finish_command(client, ReasonCode::success);
}

void LinePort::finish_command(client::Client& client, ReasonCode code) {
    // False: the connection was lost, and the broker sends the command again.
    if (const wire::PacketId id = commands_.front().packet_id; id != 0) client.acknowledge(id, code);
    commands_.drop_front();
    written_ = 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// The client

wire::SubscribeOptions LinePort::command_subscription() {
    // QoS 2 becomes QoS 1, since a tty cannot tell whether a command that was written in part has arrived.
    wire::SubscribeOptions options{.qos = QoS::at_least_once};
    // A command is an event: a retained one would be repeated at each start of the broker.
    options.retain_handling = wire::RetainHandling::do_not_send;
    return options;
}

void LinePort::on_event(const client::Event& event, client::Client& client, Instant now) {
    if (const auto* message = std::get_if<client::Message>(&event)) {
        on_message(message->packet, client, now);
    } else if (const auto* done = std::get_if<client::PublishDone>(&event)) {
        if (wire::is_error(done->code)) counters_.count(Loss::refused);
    } else if (std::holds_alternative<client::Connected>(event)) {
        forget_commands();
        // The will of an earlier connection may have told another state.
        is_state_owed_ = true;
    }
}

/// A new connection: the broker sends each unanswered command again. What was written in part is finished first, and so
/// comes twice.
void LinePort::forget_commands() {
    Ring<Command> kept;
    for (std::size_t i = 0; i < commands_.size(); ++i) {
        Command& command = commands_[i];
        if (command.packet_id != 0 && (i > 0 || written_ == 0)) continue;
        command.packet_id = 0;
        kept.push_back(std::move(command));
    }
    commands_ = std::move(kept);
}

void LinePort::on_message(const wire::Publish& packet, client::Client& client, Instant now) {
    const bool wants_answer = packet.qos != QoS::at_most_once;
    // Of an earlier configuration, whose subscription ends now.
    if (packet.topic != options_.command_topic) {
        if (wants_answer) client.acknowledge(packet.packet_id);
        return;
    }
    if (const auto problem = problem_of(packet)) {
        counters_.count(*problem);
        if (wants_answer) client.acknowledge(packet.packet_id, ReasonCode::payload_format_invalid);
        return;
    }
    if (!wants_answer && (!is_open_ || commands_.size() >= commands_max)) return counters_.count(Loss::command_unsent);
    Command& command = commands_.append();
    command.bytes.assign(as_text(packet.payload)).append(bytes_of(options_.line_end));
    command.packet_id = packet.packet_id;
    if (const auto expiry_s = packet.properties.number(wire::PropertyId::message_expiry_interval))
        command.expires = add_seconds(now, *expiry_s);
}

std::optional<Loss> LinePort::problem_of(const wire::Publish& command) const {
    // Whoever may send one command must not be able to send two, of which the rights and the log know only one.
    if (as_text(command.payload).find_first_of("\r\n") != std::string_view::npos) return Loss::line_end;
    if (command.payload.size() > options_.line_bytes_max) return Loss::command_too_long;
    return std::nullopt;
}

bool LinePort::has_room(const client::Client& client) const {
    if (options_.qos == QoS::at_most_once)
        return client.is_connected() && client.output().size() < client.options().limits.outbox_bytes_max / 2;
    return client.held_messages() < inflight_max;
}

bool LinePort::wants_pump(const client::Client& client) const {
    if (is_state_owed_ && !state_topic_.empty() && client.is_connected() && client.held_messages() <= inflight_max)
        return true;
    return !waiting_.empty() && has_room(client);
}

void LinePort::pump(client::Client& client) {
    tell_state(client);
    while (!waiting_.empty() && has_room(client)) {
        const Publication& next = waiting_.front();
        wire::Publish packet;
        packet.topic = next.topic;
        packet.payload = as_bytes(next.payload);
        packet.qos = options_.qos;
        packet.retain = options_.retain;
        const auto sent = client.publish(packet);
        if (!sent.ok() && is_for_now(sent.error())) return;
        sent.ok() ? void(++counters_.publications) : counters_.count(Loss::refused);
        drop_oldest();
    }
}

void LinePort::tell_state(client::Client& client) {
    if (!is_state_owed_ || state_topic_.empty() || !client.is_connected()) return;
    wire::Publish packet;
    packet.topic = state_topic_;
    packet.payload = as_bytes(is_open_ ? online_text : offline_text);
    packet.qos = QoS::at_least_once;
    packet.retain = true;
    const auto sent = client.publish(packet);
    is_state_owed_ = !sent.ok() && is_for_now(sent.error());
    // Otherwise the broker allows no such message at all, and to ask again would keep the loop awake.
    if (!sent.ok() && !is_state_owed_) counters_.count(Loss::refused);
}

}  // namespace ledge::lines
