#include "ledge/inner/inner_client.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/transport/driver.hpp"

namespace ledge::inner {

namespace {

constexpr std::size_t filters_per_request = 50;

client::Options inner_options(client::Options options) {
    LEDGE_ASSERT(options.flow == client::Flow::kept && !options.client_id.empty());
    options.keep_alive_s = 0;  // neither side of the inner link can vanish without the other
    options.accepts_unknown_session = true;
    return options;
}

}  // namespace

InnerClient::InnerClient(transport::Driver& driver, InnerClientOptions options)
    : options_(std::move(options)), client_(inner_options(options_.client)), end_(driver, options_.link) {
    LEDGE_ASSERT(!options_.user.empty() && options_.pause > Duration::zero());
}

void InnerClient::start(Instant now) {
    LEDGE_ASSERT(state_ == State::stopped);
    is_stopping_ = false;
    open(now);
}

void InnerClient::stop(Instant now) {
    is_stopping_ = true;
    if (state_ == State::stopped || state_ == State::ending) return;
    if (!client_.is_connected()) return close(now);
    end("");
}

void InnerClient::open(Instant now) {
    if (!end_.open({options_.listener, options_.address, options_.user, true})) {
        problem_ = "the local broker accepts no client";
        state_ = State::pausing;
        attempt_at_ = now + options_.pause;
        return;
    }
    read_bytes_ = unwritten_bytes_ = next_filter_ = 0;
    client_.connect(options_.client.session_expiry_s == 0, now);
    state_ = State::connecting;
}

void InnerClient::close(Instant now) {
    if (state_ != State::ending && !is_stopping_) problem_ = "the local broker has closed the connection";
    end_.abort();
    if (has_link()) client_.closed();
    state_ = is_stopping_ ? State::stopped : State::pausing;
    attempt_at_ = now + options_.pause;
}

/// Only now, because the last event may have borrowed the bytes.
void InnerClient::consume() { end_.consume(std::exchange(read_bytes_, 0)); }

// ---------------------------------------------------------------------------------------------------------------------
// The turn

client::Event InnerClient::next_event(Instant now) {
    if (!has_link()) return {};
    consume();
    client::Event event;
    if (now >= client_.next_deadline()) event = client_.on_time(now);
    if (client::is_nothing(event)) {
        Bytes input = end_.readable();
        const std::size_t given = input.size();
        event = client_.on_bytes(input, now);
        read_bytes_ = given - input.size();
    }
    handle(event);
    return event;
}

void InnerClient::turn(Instant now) {
    if (!has_link()) return;
    consume();
    write(now);
    if (client_.wants_close()) end_.finish();
    end_.turn();
    write(now);  // the core has made room
    // What the core has sent before the end of the connection is still read, DISCONNECT above all.
    if (!end_.is_open() && (state_ == State::ending || !has_input())) close(now);
}

void InnerClient::write(Instant now) {
    client_.sent(end_.write(client_.output()), now);
    unwritten_bytes_ = client_.output().size();
}

bool InnerClient::wants_turn() const {
    if (!has_link()) return false;
    if (!end_.is_open()) return state_ == State::ending || !has_input();
    const bool has_new_output = client_.output().size() > unwritten_bytes_;
    return end_.wants_turn() || has_new_output || client_.wants_close();
}

bool InnerClient::has_input() const {
    return has_link() && state_ != State::ending && client_.wants_input() && end_.readable().size() > read_bytes_;
}

void InnerClient::on_time(Instant now) {
    if (state_ == State::pausing && now >= attempt_at_) open(now);
}

Instant InnerClient::next_deadline() const {
    if (state_ == State::pausing) return attempt_at_;
    return has_link() ? client_.next_deadline() : never;
}

// ---------------------------------------------------------------------------------------------------------------------
// Events

void InnerClient::handle(const client::Event& event) {
    if (std::holds_alternative<client::Connected>(event)) {
        state_ = State::subscribing;
        subscribe_next();
    } else if (const auto* done = std::get_if<client::RequestDone>(&event)) {
        if (state_ == State::subscribing) on_request_done(*done);
    } else if (const auto* ended = std::get_if<client::Ended>(&event)) {
        problem_ = "the local broker has ended the connection: " + std::string(ended->text);
        state_ = State::ending;
    }
}

/// A refused filter ends the connection, so that it is tried again after the pause: the core may have had no room.
void InnerClient::on_request_done(const client::RequestDone& done) {
    const auto is_refused = [](std::uint8_t code) { return wire::is_error(static_cast<wire::ReasonCode>(code)); };
    if (std::any_of(done.packet.codes.begin(), done.packet.codes.end(), is_refused))
        return end("the local broker refuses a subscription");
    subscribe_next();
}

/// One request at a time.
void InnerClient::subscribe_next() {
    if (next_filter_ == options_.filters.size()) {
        state_ = State::running;
        problem_.clear();
        return;
    }
    std::vector<wire::SubscribeEntry> entries;
    for (; next_filter_ < options_.filters.size() && entries.size() < filters_per_request; ++next_filter_) {
        const InnerFilter& one = options_.filters[next_filter_];
        entries.push_back({one.filter, one.options});
    }
    if (!client_.subscribe(entries).ok()) end("the local broker allows no subscription");
}

void InnerClient::end(std::string problem) {
    problem_ = std::move(problem);
    client_.disconnect();
    state_ = State::ending;
}

}  // namespace ledge::inner
