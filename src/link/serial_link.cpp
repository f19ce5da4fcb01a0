#include "serial_link.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/mqttsn/gateway.hpp"

namespace ledge::link {

namespace {

/// The one address of the line. The gateway wants a byte.
constexpr std::array<Byte, 1> line_address{1};

constexpr std::size_t read_bytes_max = 4096;  // of one turn: what a tty holds

}  // namespace

SerialLink::SerialLink(SerialLine line, mqttsn::Gateway& gateway, net::Poller& poller, std::span<Byte> buffer,
                       const Log& log, std::string name)
    : port_(poller, std::move(line)),
      gateway_(gateway),
      buffer_(buffer.first(std::min(buffer.size(), read_bytes_max))),
      log_(log),
      name_(std::move(name)) {}

// ---------------------------------------------------------------------------------------------------------------------
// The port comes and goes

std::optional<Error> SerialLink::start(Instant now) {
    open(now);
    return std::nullopt;
}

void SerialLink::open(Instant now) {
    retry_at_ = never;
    if (const auto problem = port_.open()) return put_off(ledge::text_of(*problem), now);
    ++counters_.opened;
    pause_ = pause_min;
    problem_.clear();
    reported_.clear();
    framer_.open();
    frame_size_ = frame_sent_ = 0;
    paced_until_ = never;
    idle_from_ = now - idle_time;  // so that the first frame begins with 0x00
    log_.info("mqttsn_link_opened", {{"listener", name_}, {"place", place()}});
    gateway_.link_opened(now);
}

/// A port that stays away is told once, also if the reasons alternate: each look is 1 to 10 s after the former.
void SerialLink::put_off(std::string problem, Instant now) {
    problem_ = std::move(problem);
    retry_at_ = now + pause_;
    if (std::exchange(reported_, problem_) != problem_)
        log_.warning("mqttsn_link_closed", {{"listener", name_}, {"place", place()}, {"reason", problem_}});
    pause_ = std::min<Duration>(2 * pause_, pause_max);
}

void SerialLink::close_if_lost(Instant now) {
    if (!port_.is_lost()) return;
    std::string reason = port_.lost_reason();
    port_.close();
    paced_until_ = never;
    put_off(std::move(reason), now);
}

// ---------------------------------------------------------------------------------------------------------------------
// Packets

void SerialLink::read(Instant now) {
    if (!port_.may_read()) return;
    const std::size_t count = port_.read(buffer_);
    Bytes input = Bytes(buffer_).first(count);
    while (const auto packet = framer_.next(input)) gateway_.on_packet(line_address, *packet, now);
    close_if_lost(now);
}

void SerialLink::write(Instant now) {
    if (!port_.is_open()) {
        // The packets would be old when the port is back.
        while (gateway_.has_output()) {
            ++counters_.send_failed;
            gateway_.output_sent();
        }
        return;
    }
    if (paced_until_ != never && now < paced_until_) return;
    paced_until_ = never;
    for (int i = 0; i < packets_per_turn_max && port_.may_write(); ++i) {
        if (frame_sent_ == frame_size_ && !make_frame(now)) break;
        frame_sent_ += port_.write(Bytes(frame_).subspan(frame_sent_, frame_size_ - frame_sent_));
        idle_from_ = now + port_.time_of(frame_size_);
        if (port_.is_lost()) break;
    }
    close_if_lost(now);
}

/// The next frame of the gateway's packets. False: there is none, or the system still has enough to send.
bool SerialLink::make_frame(Instant now) {
    if (!gateway_.has_output()) return false;
    if (const std::size_t unsent = port_.unsent(); unsent > unsent_bytes_max) {
        paced_until_ = now + std::max<Duration>(port_.time_of(unsent - unsent_bytes_max / 2), 1ms);
        return false;
    }
    const Bytes packet = gateway_.output().bytes;
    frame_size_ = frame_sent_ = 0;
    const bool fits = packet.size() >= mqttsn::link_packet_bytes_min && packet.size() <= mqttsn::link_packet_bytes_max;
    if (!fits) {  // a forwarder's header made it too long
        ++counters_.send_failed;
        gateway_.output_sent();
        return false;
    }
    // Noise of an idle line would otherwise be taken for the beginning of the frame.
    if (now >= idle_from_ + idle_time) frame_[frame_size_++] = 0;
    frame_size_ +=
        mqttsn::encode_frame(packet, std::span(frame_).subspan(frame_size_).first<mqttsn::link_frame_bytes_max>());
    ++counters_.sent;
    gateway_.output_sent();
    return true;
}

bool SerialLink::wants_turn() const {
    if (port_.may_read()) return true;
    const bool has_bytes = frame_sent_ < frame_size_ || gateway_.has_output();
    return has_bytes && (!port_.is_open() || (port_.may_write() && paced_until_ == never));
}

void SerialLink::on_time(Instant now) {
    if (now >= retry_at_) open(now);
    if (now >= paced_until_) write(now);
}

Instant SerialLink::next_deadline() const { return std::min(retry_at_, paced_until_); }

// ---------------------------------------------------------------------------------------------------------------------
// For people

std::string SerialLink::text_of(Bytes address) const {
    static_cast<void>(address);
    return port_.line().path;
}

std::string SerialLink::place() const { return "serial:" + port_.line().path; }

void SerialLink::add_to(LinkFigures& figures) const {
    figures.is_up = port_.is_open();
    figures.last_problem = problem_;
    figures.link = counters_;
    const mqttsn::LinkFramer::Counters& framer = framer_.counters();
    figures.link.frames = framer.frames;
    figures.link.too_long = framer.too_long;
    figures.link.bad_crc = framer.bad_crc + framer.bad_cobs + framer.too_short;
}

}  // namespace ledge::link
