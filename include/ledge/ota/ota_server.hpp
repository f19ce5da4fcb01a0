// OtaServer: serves firmware images to devices, as a client of the broker. A device fetches an image in blocks at its
// own pace (pull): it asks for a piece, and gets one message with the piece. The device owns the cursor, so a reset, a
// night asleep or a restart of the broker costs a repetition and nothing else.
//
//     PREFIX/manifest/NAME, PREFIX/image/NAME     retained: size, SHA-256 and version of the newest file of NAME
//     PREFIX/get/DEVICE                           a request of 10 bytes; DEVICE is the client id of the device
//     PREFIX/block/DEVICE                         the answer, with the QoS of the request
//
// Below $SYS/broker/ota/: images, blocks, bytes, refused. messages.hpp has the bytes of the messages.
//
// A part of the broker's loop, on the loop's thread. A turn hashes one slice, and answers at most answers_per_turn_max
// requests, so other clients do not wait for the server.
#pragma once

#include <cstdint>
#include <memory>

#include "ledge/base/log.hpp"
#include "ledge/ota/figures.hpp"
#include "ledge/ota/options.hpp"
#include "ledge/runtime/loop_part.hpp"

namespace ledge::ota {

class OtaServer final : public runtime::LoopPart {
public:
    static constexpr int answers_per_turn_max = 16;
    /// From the start until requests for unknown images are answered, at the latest. Until then the files may not have
    /// been hashed yet.
    static constexpr Duration first_look_time_max = 30s;
    static constexpr Duration facts_interval = 10s;  // between two publications of the figures

    /// `log` and the services must outlive the object.
    OtaServer(const OtaOptions& options, const runtime::LoopServices& services, const Log& log);
    ~OtaServer() override;

    void start(Instant now) override;
    void turn(Instant now) override;
    bool wants_turn() const override;
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    void stop(Instant now) override;
    bool is_stopped() const override;

    OtaFigures figures() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::ota
