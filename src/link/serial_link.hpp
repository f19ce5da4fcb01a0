// SerialLink: the devices of a gateway at one serial line, as frames of mqttsn::LinkFramer. The line is the address:
// all packets come from the same peer, unless a forwarder at the line has nodes behind it.
//
// A port that is not there, or is unplugged, is tried again for ever. The sessions of its devices stay meanwhile.
//
// Pacing: the system's buffer of a tty has 4 KiB, which is 4 s at 9,600 baud. A packet that waits there for so long
// would be repeated behind itself. So only unsent_bytes_max bytes wait in the system, and the rest stays in the
// gateway's queue, where link_opened() clears it.
#pragma once

#include <array>

#include "ledge/link/options.hpp"
#include "ledge/mqttsn/link_framer.hpp"
#include "packet_link.hpp"

namespace ledge {
class Log;
}

namespace ledge::link {

class SerialLink final : public PacketLink {
public:
    static constexpr Duration pause_min = 1s;  // between two attempts to open the port; doubled up to pause_max
    static constexpr Duration pause_max = 10s;
    static constexpr std::size_t unsent_bytes_max = 512;
    static constexpr Duration idle_time = 20ms;  // after which a frame begins with 0x00 (link_framer.hpp)

    SerialLink(SerialLine line, mqttsn::Gateway& gateway, net::Poller& poller, std::span<Byte> buffer, const Log& log,
               std::string name);

    std::optional<Error> start(Instant now) override;
    void read(Instant now) override;
    void write(Instant now) override;
    bool wants_turn() const override;
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    void close() override { port_.close(); }

    std::string text_of(Bytes address) const override;
    std::string place() const override;
    void add_to(LinkFigures& figures) const override;

private:
    void open(Instant now);
    void put_off(std::string problem, Instant now);
    bool make_frame(Instant now);
    void close_if_lost(Instant now);

    SerialPort port_;
    mqttsn::Gateway& gateway_;
    std::span<Byte> buffer_;
    const Log& log_;
    const std::string name_;
    mqttsn::LinkFramer framer_;
    std::array<Byte, mqttsn::link_frame_bytes_max + 1> frame_{};  // the frame under way, with its leading 0x00
    std::size_t frame_size_ = 0;
    std::size_t frame_sent_ = 0;
    Instant idle_from_{};  // when the line will be silent
    Instant paced_until_ = never;
    Instant retry_at_ = never;
    Duration pause_ = pause_min;
    std::string problem_;
    std::string reported_;
    LinkCounters counters_;
};

}  // namespace ledge::link
