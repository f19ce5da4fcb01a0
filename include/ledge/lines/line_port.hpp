// LinePort: one serial port whose device speaks lines of text, between the bytes of the port and a client of the
// broker. Bytes, events and time go in; bytes and publications come out. No I/O, no clock. The owner has the port and
// the client::Client (Flow::kept, made with client_options()), and calls:
//
//     port.opened(now), port.closed()            when the tty is open, or gone
//     port.on_bytes(bytes, now)                  what the device has sent
//     port.on_event(event, client, now)          each event of the client
//     port.pump(client)                          afterwards: hands what waits to the client
//     port.output(client, now), port.sent(count) the bytes for the device, and how many of them the system has taken
//     port.drained(client)                       while has_sent(): the system has sent them
//
// Lines wait here, in order, until the client has room: at most lines_waiting_max of them and waiting_bytes_max bytes.
// When a limit is reached, the oldest line gives way, because the newest value of a sensor is worth most. The port is
// read nevertheless, at most a moment later (is_half_full()): a serial line without flow control would lose bytes in
// the kernel, and nobody would count them.
//
// A command is acknowledged when its last byte has left the system, and only then the next one begins. So commands for
// a port that is closed stay in the session of the client, except the first few, which wait here (commands_max, the
// Receive Maximum).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/client/client.hpp"
#include "ledge/lines/counters.hpp"
#include "ledge/lines/line_mapper.hpp"
#include "ledge/lines/line_reader.hpp"
#include "ledge/lines/options.hpp"

namespace ledge::lines {

inline constexpr std::size_t waiting_bytes_max = 1024 * 1024;  // topics and payloads of all waiting publications
inline constexpr std::size_t inflight_max = 32;                // publications that the client holds at once
inline constexpr std::uint16_t commands_max = 16;              // commands that wait here to be written
/// Silence after the opening that proves that the next byte begins a line. Adapters batch bytes for at most 16 ms, and
/// at 300 baud a byte takes 33 ms.
inline constexpr Duration silence_before_line = 250ms;
inline constexpr std::string_view online_text = "online";
inline constexpr std::string_view offline_text = "offline";

class LinePort {
public:
    /// Requires valid topics (the configuration has checked them).
    LinePort(Options options, Instant now);

    /// The options of the client: with the will that the port is offline, and with a session that never expires.
    client::Options client_options(std::string client_id) const;

    // ---- The port

    /// Requires !is_open().
    void opened(Instant now);
    /// Requires is_open(). A command that was written in part will be written as a whole.
    void closed();
    bool is_open() const { return is_open_; }
    void on_bytes(Bytes bytes, Instant now);
    /// The bytes to write next: the rest of one command. Empty while the port is closed, and while has_sent(). Valid
    /// until the next call.
    Bytes output(client::Client& client, Instant now);
    /// The system has taken the first `count` bytes of output().
    void sent(std::size_t count);
    /// True: the system has taken a whole command. drained() must follow.
    bool has_sent() const { return !commands_.empty() && written_ == commands_[0].bytes.size(); }
    /// The system has sent the command to the device. Requires has_sent().
    void drained(client::Client& client);

    // ---- The client

    /// How the client subscribes to command_topic.
    static wire::SubscribeOptions command_subscription();
    void on_event(const client::Event& event, client::Client& client, Instant now);
    /// Hands waiting publications to the client as far as it has room.
    void pump(client::Client& client);
    /// True: pump() would hand over a publication.
    bool wants_pump(const client::Client& client) const;

    const Options& options() const { return options_; }
    const Counters& counters() const { return counters_; }
    std::size_t waiting() const { return waiting_.size(); }
    /// True: more than half of what may wait does. An owner that can read a little later should, because the broker may
    /// be catching up with a burst.
    bool is_half_full() const {
        return waiting_.size() > options_.lines_waiting_max / 2 || waiting_bytes_ > waiting_bytes_max / 2;
    }
    std::size_t waiting_commands() const { return commands_.size(); }

private:
    struct Command {
        std::string bytes;             // the line and its end
        wire::PacketId packet_id = 0;  // 0 = nobody waits for an answer
        Instant expires = never;
    };

    void on_line(Bytes line);
    void add_waiting(Publication publication);
    void drop_oldest();
    bool has_room(const client::Client& client) const;
    void tell_state(client::Client& client);
    void on_message(const wire::Publish& packet, client::Client& client, Instant now);
    std::optional<Loss> problem_of(const wire::Publish& command) const;
    void forget_commands();
    void finish_command(client::Client& client, wire::ReasonCode code);

    const Options options_;
    const std::string state_topic_;  // "" = none
    LineReader reader_;
    TokenBucket rate_;
    bool is_open_ = false;
    Instant opened_at_{};
    Ring<Publication> waiting_;
    std::size_t waiting_bytes_ = 0;
    bool is_state_owed_ = false;  // the broker has not been told is_open_
    Ring<Command> commands_;
    std::size_t written_ = 0;  // bytes of the first command
    Counters counters_;
};

}  // namespace ledge::lines
