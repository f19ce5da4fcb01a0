// InnerSession: the gateway's side of one connection to the broker, a client::Client in Flow::passed_on, from the wish
// to open an inner link until the link is closed. The owner moves bytes; the head of gateway.hpp shows the calls.
#pragma once

#include <cstdint>
#include <memory>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/client/client.hpp"

namespace ledge::mqttsn {

class InnerSession {
public:
    enum class Stage : std::uint8_t {
        closed,    // no link, and none is wanted
        wanted,    // the owner shall open a link
        greeting,  // CONNECT sent, CONNACK awaited
        up,        // CONNACK received
        ending,    // the rest of the output is sent, then the owner closes the link
    };

    Stage stage() const { return stage_; }
    bool is_up() const { return stage_ == Stage::up; }
    /// Requires Stage::closed. The client exists only until the link is closed, so a device that is away needs none.
    void want(client::Options options, bool is_clean_start);
    /// Sends DISCONNECT, with the will or without it. Before the link is open, nothing happens but the end of the wish.
    void end(bool with_will);

    /// Only from Stage::greeting to Stage::ending.
    client::Client& client() { return *client_; }

    // For the owner of the link
    bool wants_open() const { return stage_ == Stage::wanted; }
    void opened(Instant now);
    Bytes output() const { return client_ ? client_->output() : Bytes(); }
    void sent(std::size_t count, Instant now);
    bool wants_close() const { return stage_ == Stage::ending && client_->wants_close(); }
    /// The link is closed, or could not be opened.
    void closed();
    Instant next_deadline() const { return client_ ? client_->next_deadline() : never; }

    // For the reader of the events
    /// The next event of the broker's bytes; Nothing = `input` is used up. Requires a stage from greeting on.
    client::Event next_event(Bytes& input, Instant now);
    client::Event next_event_of_time(Instant now);
    /// For a session that only publishes: reads `input` and timers, and keeps nothing but the stage.
    void drain(Bytes& input, Instant now);
    void on_time(Instant now);

private:
    client::Event note(client::Event event);

    std::unique_ptr<client::Client> client_;
    Stage stage_ = Stage::closed;
    bool is_clean_start_ = false;
};

}  // namespace ledge::mqttsn
