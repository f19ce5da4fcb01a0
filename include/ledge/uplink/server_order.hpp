// ServerOrder: which of several servers is tried next. The servers are in the order of preference. A round tries each
// server once, from the first one on. While another server than the first one is in use, the first one is probed from
// time to time, with growing pauses. Owned by Uplink; without I/O.
#pragma once

#include <cstddef>

#include "ledge/base/rng.hpp"
#include "ledge/base/time.hpp"

namespace ledge::uplink {

class ServerOrder {
public:
    /// `count`: at least 1. `return_first` and `return_largest`: the pauses before a probe of the first server.
    ServerOrder(std::size_t count, Duration return_first, Duration return_largest);

    /// The index of the server to connect to, or of the server in use.
    std::size_t current() const { return current_; }

    /// The attempt has failed, or the connection has ended. Returns true if the round goes on with the next server, and
    /// false if a new round begins with the first one: each server has failed, or a proven connection has ended.
    bool on_failure();
    /// The server in use has shown that it works (RelayEvent::Kind::proven).
    void on_proven(Instant now, Rng& rng);

    /// The owner ends the connection and rests: the next connection begins with the first server.
    void on_rest();

    /// When the first server should be probed; `never` = it is in use, or nothing is proven.
    Instant probe_at() const { return probe_at_; }
    /// The probe begins: probe_at() becomes `never`.
    void on_probe_begun() { probe_at_ = never; }
    /// The first server cannot be reached. The next pause is twice as long.
    void on_probe_failed(Instant now, Rng& rng);
    /// The first server can be reached, so the owner ends the connection in use and connects to the first server. A
    /// server that accepts connections but does not work costs a break each time. The pause therefore doubles here
    /// too, and becomes short again when the first server has proven that it works.
    void on_return();

private:
    void set_probe(Instant now, Rng& rng);
    void lengthen_pause();

    std::size_t count_;
    Duration return_first_;
    Duration return_largest_;
    Duration return_pause_;
    std::size_t current_ = 0;
    bool is_proven_ = false;  // the server in use has shown that it works
    Instant probe_at_ = never;
};

}  // namespace ledge::uplink
