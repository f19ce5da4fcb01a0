// InnerClient: a client of the core in the same process. It owns a client::Client in Flow::kept and the InnerEnd that
// takes the place of a socket. It connects, subscribes to a fixed list of filters, and connects again after a pause
// when the core has ended the connection.
//
//     stopped ──start()──► connecting ──CONNACK──► subscribing ──answers──► running
//                           ▲    └───── refused, or ended ───┴──────────────────┤
//                           └──── pausing ◄──────── ending ◄────────────────────┘ ──► stopped, after stop()
//
// A part of the loop (runtime/loop_part.hpp) owns it and calls, in each of its own turns:
//     while event = client.next_event(now) is not Nothing     Message, PublishDone: for the owner
//     client.client().publish(...), client.client().acknowledge(...)
//     client.turn(now)                                        moves the bytes
// An owner that cannot take a message just stops calling next_event(): the messages stay in the inner link and then in
// the session, as with any client that reads slowly. Such an owner must not let has_input() keep the loop awake.
// Single-threaded, on the shard's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/client/client.hpp"
#include "ledge/transport/inner_link.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::transport {
class Driver;
}

namespace ledge::inner {

struct InnerFilter {
    std::string filter;
    wire::SubscribeOptions options;
};

struct InnerClientOptions {
    std::uint16_t listener = 0;  // index in ShardOptions::listeners of the listener that stands for this client
    std::string address;         // for logs
    std::string user;            // not empty; see broker::Peer::is_inner
    client::Options client;      // the client id is one of session/inner_clients.hpp; Flow::kept; no keep alive
    std::vector<InnerFilter> filters;
    transport::InnerLinkLimits link;
    Duration pause = 1s;  // from the end of a connection, or from a refused one, to the next attempt
};

class InnerClient {
public:
    enum class State : std::uint8_t {
        stopped,      // no connection, and none is wanted
        pausing,      // no connection; the next attempt waits
        connecting,   // CONNECT sent, CONNACK awaited
        subscribing,  // SUBSCRIBE sent, SUBACK awaited
        running,      // connected, with all filters
        ending,       // the last bytes are sent, then the connection is closed
    };

    /// The driver must outlive the object. With a session expiry of 0, every connection starts clean. Otherwise the
    /// session is resumed, also one that an earlier process has left.
    InnerClient(transport::Driver& driver, InnerClientOptions options);
    InnerClient(const InnerClient&) = delete;
    InnerClient& operator=(const InnerClient&) = delete;

    /// Requires State::stopped.
    void start(Instant now);
    /// Sends DISCONNECT. Further turns follow until State::stopped.
    void stop(Instant now);

    /// The next event of the connection, also those that the object has handled itself (Connected, RequestDone, Ended).
    /// Views in the event are valid until the next call of a function of this object that is not const.
    client::Event next_event(Instant now);
    /// Moves bytes in both directions, and closes the connection when it is due. Must not be called from
    /// Driver::flush().
    void turn(Instant now);
    /// True: turn() has something to do.
    bool wants_turn() const;
    /// True: bytes for next_event() wait, which may be a part of a packet.
    bool has_input() const;
    /// Connects again after a pause. Call next_event() afterwards until it is Nothing: a timeout is such an event.
    void on_time(Instant now);
    Instant next_deadline() const;

    State state() const { return state_; }
    bool is_running() const { return state_ == State::running; }
    bool is_stopped() const { return state_ == State::stopped; }
    /// Why the last connection has ended or could not be made, in words; "" = none has ended since running.
    const std::string& problem() const { return problem_; }
    /// For publish() and acknowledge(). The connection itself belongs to this object.
    client::Client& client() { return client_; }
    const client::Client& client() const { return client_; }

private:
    bool has_link() const { return state_ != State::stopped && state_ != State::pausing; }
    void open(Instant now);
    void close(Instant now);
    void consume();
    void write(Instant now);
    void handle(const client::Event& event);
    void on_request_done(const client::RequestDone& done);
    void subscribe_next();
    void end(std::string problem);

    InnerClientOptions options_;
    client::Client client_;
    transport::InnerEnd end_;
    State state_ = State::stopped;
    std::size_t next_filter_ = 0;      // of the list, the first one that SUBSCRIBE has not named on this connection
    std::size_t read_bytes_ = 0;       // of the inner end; the last event may borrow them
    std::size_t unwritten_bytes_ = 0;  // output that the inner end had no room for in the last turn
    Instant attempt_at_ = never;
    bool is_stopping_ = false;
    std::string problem_;
};

}  // namespace ledge::inner
