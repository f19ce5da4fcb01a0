// A whole chain in virtual time: the C client with its download, MQTT-SN over a line that loses packets, the gateway of
// src/mqttsn, the real core and the server of firmware images. The device sleeps between its blocks.
#include <cstring>

#include "../ota/rig.hpp"
#include "device.hpp"
#include "fwb_ota.h"
#include "ledge/mqttsn/gateway.hpp"
#include "ledge/transport/inner_link.hpp"

namespace ledge::ota {
namespace {

constexpr std::uint32_t step_ms = 20;

class Chain {
public:
    Chain(const std::string& image, std::uint64_t seed, const OtaOptions& options = {})
        : rig_(options), rng_(seed), end_(rig_.core.driver) {
        rig_.folder.has("boiler@1", image);
        gateway_ = std::make_unique<mqttsn::Gateway>(gateway_options(), mqttsn::PredefinedTopics(), seed, core_now);
        device.when_received = [this](const fwclient::Received& message) { on_message(message); };
        device.when_told = [this](fwclient::Event event) { on_event(event); };
        config_.ask = [](void* io, const std::uint8_t* request, std::uint8_t bytes) {
            return self(io).device.publish(0, FWB_QOS1, {reinterpret_cast<const char*>(request), bytes});
        };
        config_.write = [](void* io, std::uint32_t offset, const std::uint8_t* data, std::uint16_t bytes) {
            if (self(io).stored.size() < offset + bytes) self(io).stored.resize(offset + bytes);
            std::memcpy(self(io).stored.data() + offset, data, bytes);
            return 0;
        };
        config_.read = [](void* io, std::uint32_t offset, std::uint8_t* data, std::uint16_t bytes) {
            std::memcpy(data, self(io).stored.data() + offset, bytes);
            return 0;
        };
        config_.block_bytes = FWB_OTA_BLOCK_MAX;
        config_.answer_ms = 30'000;
        fwb_ota_init(&ota, &config_, this, nullptr);
        device.open();
    }

    /// True = the image is there and its hash is right.
    bool fetches(Duration time_max) {
        const Instant end = core_now + time_max;
        while (ota.state != FWB_OTA_READY && core_now < end) {
            while (fwb_ota_poll(&ota, device.now) == 0) {
            }
            core_now += std::chrono::milliseconds(step_ms);
            device.pass(step_ms);
            carry();
        }
        return ota.state == FWB_OTA_READY;
    }

    fwclient::Device device{{FWB_PUB("ota/get/dev1"), FWB_SUB("ota/block/dev1", 1), FWB_SUB("ota/manifest/boiler", 1)}};
    fwb_ota ota{};
    std::string stored;
    bool may_sleep = false;
    std::uint64_t lost_one_in = 1'000'000;
    int naps = 0;
    int blocks_by_mail = 0;

private:
    static Chain& self(void* io) { return *static_cast<Chain*>(io); }

    static mqttsn::GatewayOptions gateway_options() {
        mqttsn::GatewayOptions options;
        options.endpoint.retry_interval = 1s;
        options.endpoint.packet_bytes_max = FWB_MTU;
        return options;
    }

    void on_event(fwclient::Event event) {
        if (event == fwclient::Event{FWB_DELIVERED, 0} && may_sleep) fwb_sleep(&device.client, 10, device.now);
        is_asleep_ = event.first == FWB_ASLEEP || (is_asleep_ && event.first == FWB_DELIVERED);
        if (event.first == FWB_ASLEEP) ++naps;
    }

    void on_message(const fwclient::Received& message) {
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(message.data.data());
        const auto size = static_cast<std::uint16_t>(message.data.size());
        if (message.topic == 1 && fwb_ota_block(&ota, bytes, size, device.now) && is_asleep_) ++blocks_by_mail;
        if (message.topic == 2) fwb_ota_manifest(&ota, bytes, size);
    }

    bool arrives() { return !rng_.one_in(lost_one_in); }

    void carry() {
        for (int round = 0; round < 10; ++round) {
            if (gateway_->next_deadline() <= core_now) gateway_->on_time(core_now);
            for (const fwclient::Packet& packet : std::exchange(device.sent_packets, {}))
                if (arrives()) gateway_->on_packet(as_bytes("a"), packet, core_now);
            serve_inner();
            for (; gateway_->has_output(); gateway_->output_sent()) {
                const std::vector<Byte>& bytes = gateway_->output().bytes;
                if (arrives()) device.input(fwclient::Packet(bytes.begin(), bytes.end()));
            }
            if (device.sent_packets.empty()) return;
        }
    }

    /// The owner of the inner link of the only device, as gateway.hpp describes it.
    void serve_inner() {
        for (int round = 0; round < 4; ++round) {
            while (const auto id = gateway_->take_inner()) {
                device_id_ = *id;
                if (gateway_->wants_inner(*id) && end_.open({0, "line"})) gateway_->inner_opened(*id, core_now);
                gateway_->inner_sent(*id, end_.write(gateway_->inner_output(*id)), core_now);
                if (gateway_->wants_inner_close(*id)) end_.finish();
            }
            const bool was_open = end_.is_open();
            end_.turn();
            rig_.settles();
            Bytes input = end_.readable();
            const std::size_t size = input.size();
            if (size > 0) gateway_->inner_bytes(device_id_, input, core_now);
            end_.consume(size);
            if (was_open && !end_.is_open()) gateway_->inner_closed(device_id_, core_now);
        }
    }

    Rig rig_;
    Rng rng_;
    transport::InnerEnd end_;
    std::unique_ptr<mqttsn::Gateway> gateway_;
    mqttsn::DeviceId device_id_ = 1;
    fwb_ota_config config_{};
    bool is_asleep_ = false;  // told so, and not connected since
};

TEST_CASE("download over MQTT-SN: awake, one block follows the other") {
    const std::string image = firmware(8000);
    Chain chain(image, 1);
    REQUIRE(chain.fetches(60s));
    CHECK(chain.stored == image);
}

TEST_CASE("download over MQTT-SN: a device that sleeps between its blocks gets them by mail, on a bad line too") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        const std::string image = firmware(2000, static_cast<unsigned>(seed));
        // The answer to a request comes after some seconds, when the device sleeps.
        OtaOptions options;
        options.device_bytes_per_second_max = 20;
        Chain chain(image, seed, options);
        chain.may_sleep = true;
        chain.lost_one_in = seed == 1 ? 1'000'000 : 12;
        REQUIRE(chain.fetches(2h));
        CHECK(chain.stored == image);
        CHECK(chain.naps > 0);
        if (seed != 1) continue;
        CHECK(chain.naps >= 25);  // one for each block
        CHECK(chain.blocks_by_mail >= 10);
    }
}

}  // namespace
}  // namespace ledge::ota
