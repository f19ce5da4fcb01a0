#include "ledge/cli/publish.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "ledge/base/quote.hpp"
#include "ledge/os/file.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/packets.hpp"
#include "line_input.hpp"
#include "session.hpp"

namespace ledge::cli {
namespace {

using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

constexpr std::size_t payload_bytes_max = wire::packet_size_max - 128 * 1024;  // leaves room for topic and properties
constexpr std::size_t line_bytes_max = 1024 * 1024;

/// Reads a descriptor to its end; the error is a sentence.
Result<std::string, std::string> read_all(int descriptor) {
    std::string text;
    std::array<char, 64 * 1024> buffer;
    for (;;) {
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Failure{std::string("standard input: ") + std::strerror(errno)};
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > payload_bytes_max) return Failure{std::string("standard input is too large for a message")};
    }
}

class Publisher {
public:
    Publisher(const PublishOptions& options, const Console& console, int input)
        : options_(options), console_(console), input_(input), session_(options.connection, console) {}

    int run() {
        if (const auto status = prepare()) return *status;
        auto status = session_.connect(limits(), [this](const client::Event& event) { on_event(event); });
        if (!status) status = send_all();
        if (!status) status = await_answers();
        session_.end();
        return status.value_or(refused_.empty() ? exit_done : exit_refused);
    }

private:
    std::optional<int> prepare();
    client::Limits limits() const;
    std::optional<int> send_all();
    std::optional<int> send_lines();
    std::optional<int> send(const std::string& payload);
    std::optional<int> await_answers();
    void on_event(const client::Event& event);
    std::optional<int> fail(const std::string& sentence, int status = exit_refused) {
        console_.complain(sentence);
        return status;
    }

    const PublishOptions& options_;
    const Console& console_;
    int input_;
    std::string payload_;  // of every message, unless lines are read
    wire::PropertyBuilder properties_;
    Session session_;
    std::string refused_;  // told already: why the broker has refused a message; "" = it has not
};

/// Reads the payload and builds the properties. nullopt = all is well.
std::optional<int> Publisher::prepare() {
    if (!topic::is_valid_topic(options_.topic, topic::levels_hard_max))
        return fail("the topic " + quoted(options_.topic) + " is empty, or has a wildcard or too many levels",
                    exit_usage);
    if (options_.source == PublishOptions::Source::text) {
        payload_ = options_.text;
    } else if (options_.source == PublishOptions::Source::file) {
        Result<std::string, std::string> text = std::string();
        if (options_.file == "-") {
            text = read_all(input_);
        } else if (auto file = os::read_regular_file(options_.file, payload_bytes_max); file) {
            text = std::move(file->text);
        } else {
            text = Failure{ledge::text_of(file.error())};
        }
        if (!text) return fail(text.error(), exit_usage);
        if (text->size() > payload_bytes_max) return fail("the file is too large for a message", exit_usage);
        payload_ = std::move(*text);
    }
    const auto add = [&](PropertyId id, const std::string& value) {
        if (!value.empty()) properties_.text(id, value);
    };
    if (options_.expiry_s) properties_.number(PropertyId::message_expiry_interval, *options_.expiry_s);
    add(PropertyId::content_type, options_.content_type);
    add(PropertyId::response_topic, options_.response_topic);
    add(PropertyId::correlation_data, options_.correlation_data);
    for (const auto& [name, value] : options_.user_properties) properties_.user(name, value);
    return std::nullopt;
}

/// One message of the largest size must always find room; beyond that the usual limits hold.
client::Limits Publisher::limits() const {
    client::Limits limits;
    limits.held_messages_max = 100;
    const std::size_t largest = options_.source == PublishOptions::Source::lines ? line_bytes_max : payload_.size();
    limits.held_bytes_max += largest + options_.topic.size() + properties_.size();
    limits.outbox_bytes_fatal += 2 * limits.held_bytes_max;
    return limits;
}

std::optional<int> Publisher::send_all() {
    if (options_.source == PublishOptions::Source::lines) return send_lines();
    for (std::uint64_t i = 0; i < options_.repeat; ++i) {
        if (i > 0 && options_.interval > Duration::zero()) {
            if (const auto status = session_.pause(options_.interval)) return status;
        }
        if (const auto status = send(payload_)) return status;
    }
    return std::nullopt;
}

std::optional<int> Publisher::send_lines() {
    LineInput lines(*session_.loop().poller, input_, line_bytes_max);
    for (;;) {
        const auto is_ready = [&] { return lines.is_ready(); };
        if (const auto status = session_.wait(is_ready, "standard input has not ended")) return status;
        const auto line = lines.next();
        if (!lines.problem().empty()) return fail(lines.problem());
        if (!line) return std::nullopt;
        if (const auto status = send(*line)) return status;
    }
}

/// Sends one message as soon as there is room for it.
std::optional<int> Publisher::send(const std::string& payload) {
    wire::Publish packet;
    packet.topic = options_.topic;
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<QoS>(options_.qos);
    packet.retain = options_.is_retained;
    packet.properties = properties_.view();
    std::optional<ReasonCode> refusal;
    const auto is_sent = [&] {
        const auto sent = session_.client().publish(packet);
        // Full: the answers of the broker, or the socket, make room while the caller waits.
        if (!sent && sent.error() == ReasonCode::quota_exceeded) return false;
        if (!sent) refusal = sent.error();
        return true;
    };
    if (const auto status = session_.wait(is_sent, "not every message was sent")) return status;
    if (refusal) return fail("the message was not sent: " + text_of(*refusal));
    return std::nullopt;
}

/// QoS 0 has no answer; its messages are sent when the socket has accepted them.
std::optional<int> Publisher::await_answers() {
    const auto is_done = [this] {
        return session_.client().held_messages() == 0 && session_.client().output().empty();
    };
    const auto status = session_.wait(is_done, "not every message was acknowledged");
    if (!status) session_.tell("published");
    return status;
}

void Publisher::on_event(const client::Event& event) {
    const auto* done = std::get_if<client::PublishDone>(&event);
    if (done == nullptr || !wire::is_error(done->code) || !refused_.empty()) return;
    refused_ = done->how == client::PublishDone::How::not_sent
                   ? "the broker does not allow the message: " + text_of(done->code)
                   : "the broker refuses the message: " + text_of(done->code);
    console_.complain(refused_);
}

}  // namespace

int publish(const PublishOptions& options, const Console& console, int input) {
    return Publisher(options, console, input).run();
}

}  // namespace ledge::cli
