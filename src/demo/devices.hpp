// The simulated plant: the devices, their names and their measurements. The values drift at random; the sequence
// depends only on the seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client.hpp"
#include "ledge/base/rng.hpp"

namespace ledge::demo {

enum class DeviceKind : std::uint8_t {
    climate_sensor,  // temperature and humidity, QoS 0
    power_meter,     // power and energy, QoS 1
    door_contact,    // open or closed, retained; its status topic says online or offline, the latter by its will
};

class Device {
public:
    Device(DeviceKind kind, std::string name, std::string topic, std::uint64_t seed);

    const std::string& name() const { return name_; }
    /// Only the door contact has a will.
    std::optional<Message> will() const;
    /// The messages to publish when the connection is up.
    std::vector<Message> greeting() const;
    /// The messages to publish now. `elapsed_s`: seconds since the last call.
    std::vector<Message> measure(double elapsed_s);

private:
    Message reading(const char* what, double value, const char* unit, wire::QoS qos) const;
    /// A value between -1 and 1.
    double noise();

    DeviceKind kind_;
    std::string name_;
    std::string topic_;
    Rng rng_;
    // Values at the start. Each kind of device uses its own.
    double temperature_c_ = 21.0;
    double humidity_percent_ = 45.0;
    double power_w_ = 1800.0;
    double energy_kwh_ = 1234.0;
    bool is_open_ = false;
};

/// The devices of the demonstration.
std::vector<Device> demo_plant();

}  // namespace ledge::demo
