#include "ledge/uplink/pump.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/inner_link.hpp"

namespace ledge::uplink {

using Closed = bridge::Relay::Closed;

namespace {

/// With a limited rate, the tokens of a burst are half of what a second brings, and as much waits in the inner link.
constexpr std::uint64_t burst_divisor = 2;

/// With a limited rate, the relay reads the local broker in pieces, until its output uses up the tokens. A packet may
/// leave much longer than it has come (prefixes, marks), so a piece is small: a burst exceeds its tokens by the last
/// packet, or by what a piece of small packets becomes.
constexpr std::uint64_t piece_divisor = 64;
constexpr std::uint64_t piece_bytes_min = 16;

transport::InnerLinkLimits inner_limits(std::uint64_t bytes_per_second) {
    constexpr std::uint64_t smallest = 1024;
    transport::InnerLinkLimits limits;
    if (bytes_per_second == 0) return limits;
    limits.to_client_bytes_max = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(bytes_per_second / burst_divisor, smallest, limits.to_client_bytes_max));
    return limits;
}

std::size_t piece_of(std::uint64_t bytes_per_second) {
    if (bytes_per_second == 0) return std::numeric_limits<std::size_t>::max();
    return static_cast<std::size_t>(std::max(bytes_per_second / piece_divisor, piece_bytes_min));
}

}  // namespace

Pump::Pump(bridge::Relay& relay, transport::Driver& driver, InnerPeer peer, std::uint64_t bytes_per_second)
    : relay_(relay),
      peer_(std::move(peer)),
      inner_(std::make_unique<transport::InnerEnd>(driver, inner_limits(bytes_per_second))),
      tokens_(bytes_per_second, bytes_per_second / burst_divisor, Instant{}),
      piece_bytes_(piece_of(bytes_per_second)) {}

Pump::~Pump() = default;

void Pump::open(std::unique_ptr<Channel> channel, Instant now) {
    LEDGE_ASSERT(relay_.is_closed() && channel_ == nullptr && !is_inner_open_ && !inner_->is_open());
    LEDGE_ASSERT(channel != nullptr && !channel->is_opening() && !channel->is_ended());
    channel_ = std::move(channel);
    first_bytes_.clear();
    channel_reason_.clear();
    inner_left_ = 0;
    is_unfinished_ = false;
    relay_.upstream_opened(now);
}

// ---------------------------------------------------------------------------------------------------------------------
// The turn

void Pump::turn(Instant now) {
    if (relay_.is_closed()) return;
    tokens_.refill(now);
    bool has_moved = true;
    for (int round = 0; has_moved && round < rounds_max; ++round) has_moved = do_round(now);
    is_unfinished_ = has_moved;
    // The core reads once per turn, as from a socket, so that the bridge does not delay other clients.
    if (inner_->is_open()) {
        inner_->turn();
        write_inner(now);  // the core has made room
    }
    is_held_ = must_hold(now);
    if (channel_ != nullptr) channel_->watch(unread_.empty(), !relay_.upstream_output().empty());
}

/// Every step may give the relay what another step waits for, so the steps are repeated until none moves anything.
bool Pump::do_round(Instant now) {
    bool has_moved = read_inner(now);
    has_moved |= read_upstream(now);
    has_moved |= open_inner_if_wanted(now);
    has_moved |= write_upstream(now);
    has_moved |= write_inner(now);
    has_moved |= close_upstream_if_due(now);
    has_moved |= close_inner_if_due(now);
    return has_moved;
}

bool Pump::wants_turn() const {
    if (relay_.is_closed()) return false;
    if (is_unfinished_ || relay_.wants_inner()) return true;
    if (is_inner_open_) {
        // Bytes that the relay has left wait for another event. New bytes have joined them if the size has changed.
        const bool has_new_bytes = !is_held_ && inner_->readable().size() != inner_left_;
        if (has_new_bytes || !inner_->is_open() || inner_->wants_turn()) return true;
    }
    if (channel_ == nullptr) return false;
    const bool can_write = channel_->may_write() && !relay_.upstream_output().empty();
    const bool must_finish = relay_.wants_upstream_close() && !is_lingering();
    return can_write || must_finish || (unread_.empty() && channel_->may_read());
}

Instant Pump::next_deadline() const {
    if (!is_holding()) return linger_until_;
    // Output that the upstream has no room for has used the tokens up; the wait then ends when it is written.
    const Instant has_tokens = relay_.upstream_output().empty() ? tokens_.ready_at() : never;
    return std::min({linger_until_, has_tokens, relay_.inner_due()});
}

bool Pump::is_holding() const { return is_held_ && is_inner_open_ && !inner_->readable().empty(); }

void Pump::abort(Instant now) {
    LEDGE_ASSERT(!relay_.is_closed());
    if (channel_ != nullptr) close_upstream(Closed::lost, now);
    if (is_inner_open_) {
        inner_->abort();
        close_inner(now);
    }
    LEDGE_ASSERT(relay_.is_closed());
}

// ---------------------------------------------------------------------------------------------------------------------
// The upstream's side. The functions that return bool return true when something has moved.

bool Pump::read_upstream(Instant now) {
    if (channel_ == nullptr || channel_->is_ended()) return false;
    const bool has_moved = !unread_.empty() && give_unread(now);
    if (!unread_.empty() || channel_ == nullptr) return has_moved;
    std::array<Byte, read_bytes_max> buffer;
    const std::size_t count = channel_->read(buffer);
    if (count == 0) return has_moved;
    if (is_lingering()) return true;  // the bytes are dropped
    const Bytes got = Bytes(buffer).first(count);
    const std::size_t noted = std::min(count, first_bytes_max - first_bytes_.size());
    first_bytes_ += as_text(got.first(noted));
    Bytes input = got;
    relay_.upstream_bytes(input, now);
    unread_.assign(input.begin(), input.end());
    return true;
}

bool Pump::give_unread(Instant now) {
    Bytes input(unread_);
    relay_.upstream_bytes(input, now);
    const std::size_t taken = unread_.size() - input.size();
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(taken));
    return taken > 0;
}

bool Pump::write_upstream(Instant now) {
    if (channel_ == nullptr || !channel_->may_write()) return false;
    const Bytes output = relay_.upstream_output();
    if (output.empty()) return false;
    const std::size_t count = channel_->write(output);
    // A failed write makes the channel readable: the next round reads the peer's last bytes.
    if (count == 0) return channel_->is_broken();
    is_end_written_ = relay_.stage() == bridge::Relay::Stage::ending && count == output.size();
    tokens_.take(count);
    relay_.upstream_sent(count, now);
    return true;
}

bool Pump::close_upstream_if_due(Instant now) {
    if (channel_ == nullptr) return false;
    if (relay_.wants_upstream_close()) return finish_upstream(now);
    // The relay may not read the rest for a minute. All that it has not acknowledged comes again.
    const bool is_useless = channel_->is_broken() && !unread_.empty();
    if (!channel_->is_ended() && !is_useless) return false;
    channel_reason_ = channel_->reason();
    close_upstream(channel_->is_ended_by_peer() ? Closed::by_peer : Closed::lost, now);
    return true;
}

/// The relay has no output for the upstream any more. The head of pump.hpp says why the channel then lingers.
bool Pump::finish_upstream(Instant now) {
    LEDGE_ASSERT(channel_ != nullptr && relay_.wants_upstream_close());
    if (!is_lingering() && is_end_written_ && !channel_->is_broken()) {
        channel_->finish();
        unread_.clear();
        linger_until_ = now + linger_time_max;
        return true;
    }
    if (is_lingering() && !channel_->is_ended() && now < linger_until_) return false;
    close_upstream(Closed::lost, now);
    return true;
}

void Pump::close_upstream(Closed how, Instant now) {
    linger_until_ = never;
    is_end_written_ = false;
    channel_.reset();
    unread_.clear();
    relay_.upstream_closed(how, now);
}

// ---------------------------------------------------------------------------------------------------------------------
// The local broker's side

bool Pump::open_inner_if_wanted(Instant now) {
    if (!relay_.wants_inner()) return false;
    LEDGE_ASSERT(!is_inner_open_);
    // If the core refuses the connection, the inner end is closed at once, and close_inner_if_due() tells the relay.
    inner_->open({peer_.listener, peer_.address, peer_.user, true});
    is_inner_open_ = true;
    inner_left_ = 0;
    relay_.inner_opened(now);
    return true;
}

/// True: tokens are missing, and the relay can do without the bytes of the local broker for now. Output that is not
/// written yet has taken its tokens here already. Otherwise an upstream that stops to read would get it as one burst.
bool Pump::must_hold(Instant now) const {
    const bool has_tokens = tokens_.has(relay_.upstream_output().size() + 1);
    return !has_tokens && is_inner_open_ && inner_->is_open() && now < relay_.inner_due();
}

bool Pump::read_inner(Instant now) {
    bool has_moved = false;
    bool has_all_read = true;
    while (is_inner_open_ && !must_hold(now) && has_all_read) {
        const Bytes all = inner_->readable();
        const Bytes given = all.first(std::min(all.size(), piece_bytes_));
        if (given.empty()) break;
        Bytes input = given;
        relay_.inner_bytes(input, now);
        const std::size_t taken = given.size() - input.size();
        inner_->consume(taken);
        inner_left_ = all.size() - taken;
        has_moved |= taken > 0;
        has_all_read = input.empty();
    }
    return has_moved;
}

bool Pump::write_inner(Instant now) {
    if (!is_inner_open_ || !inner_->is_open()) return false;
    const Bytes output = relay_.inner_output();
    const std::size_t count = output.empty() ? 0 : inner_->write(output);
    if (count > 0) relay_.inner_sent(count, now);
    return count > 0;
}

bool Pump::close_inner_if_due(Instant now) {
    if (!is_inner_open_) return false;
    if (!inner_->is_open()) {
        close_inner(now);
        return true;
    }
    // The core first reads what is in the queue: DISCONNECT, so that it does not count the bridge as lost.
    if (relay_.wants_inner_close()) inner_->finish();
    return false;
}

void Pump::close_inner(Instant now) {
    is_inner_open_ = false;
    relay_.inner_closed(now);
}

}  // namespace ledge::uplink
