// The frames of a serial line: makes packets for the gateway of the bytes of the port, and frames of its packets.
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
    : kept_(poller, std::move(line)),
      port_(kept_.port()),
      gateway_(gateway),
      buffer_(buffer.first(std::min(buffer.size(), read_bytes_max))),
      log_(log),
      name_(std::move(name)) {}

// ---------------------------------------------------------------------------------------------------------------------
// The port comes and goes

/// Never an error: an adapter may be plugged in after the start.
std::optional<Error> SerialLink::start(Instant now) {
    open(now);
    return std::nullopt;
}

void SerialLink::open(Instant now) {
    if (!kept_.open(now)) return tell_problem();
    // The rest of a frame from before would damage the first frame of now.
    framer_.open();
    frame_size_ = frame_sent_ = 0;
    paced_until_ = never;
    idle_from_ = now - idle_time;  // so that the first frame begins with 0x00
    log_.info("mqttsn_link_opened", {{"listener", name_}, {"place", place()}});
    gateway_.link_opened(now);
}

void SerialLink::close_if_lost(Instant now) {
    // A lost port is noticed by a read or a write, so this follows each of them.
    if (!kept_.close_if_lost(now)) return;
    paced_until_ = never;
    tell_problem();
}

void SerialLink::tell_problem() {
    if (!kept_.has_new_problem()) return;
    log_.warning("mqttsn_link_closed", {{"listener", name_}, {"place", place()}, {"reason", kept_.problem()}});
}

// ---------------------------------------------------------------------------------------------------------------------
// Packets

void SerialLink::read(Instant now) {
    if (!port_.may_read()) return;
    const std::size_t count = port_.read(buffer_);
    Bytes input = Bytes(buffer_).first(count);
    // All frames of the read, since the buffer is used by others afterwards.
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
    // A slow line fills the system's buffer long before this limit; it is for ports without a real rate.
    for (int i = 0; i < packets_per_turn_max && port_.may_write(); ++i) {
        if (frame_sent_ == frame_size_ && !make_frame(now)) break;
        // A frame is never given up in the middle: the receiver would take the next one for its rest.
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

/// Without a port packets are dropped, which is work, too: a packet that stayed would keep the loop awake.
bool SerialLink::wants_turn() const {
    if (port_.may_read()) return true;
    const bool has_bytes = frame_sent_ < frame_size_ || gateway_.has_output();
    return has_bytes && (!port_.is_open() || (port_.may_write() && paced_until_ == never));
}

void SerialLink::on_time(Instant now) {
    if (now >= kept_.retry_at()) open(now);
    if (now >= paced_until_) write(now);
}

Instant SerialLink::next_deadline() const { return std::min(kept_.retry_at(), paced_until_); }

// ---------------------------------------------------------------------------------------------------------------------
// For people

std::string SerialLink::text_of(Bytes address) const {
    static_cast<void>(address);
    // All devices of the line have the line as their address.
    return port_.line().path;
}

std::string SerialLink::place() const { return kept_.place(); }

void SerialLink::add_to(LinkFigures& figures) const {
    figures.is_up = port_.is_open();
    figures.last_problem = kept_.problem();
    figures.link = counters_;
    figures.link.opened = kept_.opened();
    const mqttsn::LinkFramer::Counters& framer = framer_.counters();
    figures.link.frames = framer.frames;
    figures.link.too_long = framer.too_long;
    // All three mean a damaged line, and an operator mends them in one way.
    figures.link.bad_crc = framer.bad_crc + framer.bad_cobs + framer.too_short;
}

}  // namespace ledge::link
