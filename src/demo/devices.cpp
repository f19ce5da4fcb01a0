// The random walk of each value, and the list of devices.
#include "devices.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "ledge/base/assert.hpp"
namespace ledge::demo {

Device::Device(DeviceKind kind, std::string name, std::string topic, std::uint64_t seed)
    : kind_(kind), name_(std::move(name)), topic_(std::move(topic)), rng_(seed) {}

/// Retained, so that a later subscriber learns too that the door contact is offline.
std::optional<Message> Device::will() const {
    if (kind_ != DeviceKind::door_contact) return std::nullopt;
    return Message{topic_ + "/status", "offline", wire::QoS::at_least_once, true};
}

/// Retained like the will, whose "offline" the new status replaces.
std::vector<Message> Device::greeting() const {
    if (kind_ != DeviceKind::door_contact) return {};
    return {{topic_ + "/status", "online", wire::QoS::at_least_once, true},
            {topic_ + "/state", is_open_ ? "open" : "closed", wire::QoS::at_least_once, true}};
}

/// below(2001) returns 0 to 2000, so that both -1 and 1 are possible.
double Device::noise() { return static_cast<double>(rng_.below(2001)) / 1000.0 - 1.0; }

Message Device::reading(const char* what, double value, const char* unit, wire::QoS qos) const {
    // The names and units are short and fixed (demo_plant()), so 96 bytes suffice.
    char json[96];
    const int length =
        std::snprintf(json, sizeof json, R"({"device":"%s","value":%.2f,"unit":"%s"})", name_.c_str(), value, unit);
    LEDGE_ASSERT(length > 0 && static_cast<std::size_t>(length) < sizeof json);
    return {topic_ + "/" + what, json, qos, false};
}

std::vector<Message> Device::measure(double elapsed_s) {
    LEDGE_ASSERT(elapsed_s > 0);
    switch (kind_) {
        case DeviceKind::climate_sensor:
            // QoS 0: the next measurement follows after one interval and replaces a lost one. The bounds keep the
            // random walk at values that a building can have.
            temperature_c_ = std::clamp(temperature_c_ + 0.2 * noise(), 15.0, 30.0);
            humidity_percent_ = std::clamp(humidity_percent_ + 0.5 * noise(), 25.0, 75.0);
            return {reading("temperature", temperature_c_, "C", wire::QoS::at_most_once),
                    reading("humidity", humidity_percent_, "%", wire::QoS::at_most_once)};
        case DeviceKind::power_meter:
            // Watts. One step changes the power by 50 W at most.
            power_w_ = std::clamp(power_w_ + 50.0 * noise(), 400.0, 6000.0);
            energy_kwh_ += power_w_ * elapsed_s / 3.6e6;  // 3.6e6 watt seconds are one kWh
            return {reading("power", power_w_, "W", wire::QoS::at_least_once),
                    reading("energy", energy_kwh_, "kWh", wire::QoS::at_least_once)};
        case DeviceKind::door_contact:
            if (!rng_.one_in(5)) return {};  // the door moves at every fifth measurement on average
            is_open_ = !is_open_;
            return {{topic_ + "/state", is_open_ ? "open" : "closed", wire::QoS::at_least_once, true}};
    }
    return {};
}

std::vector<Device> demo_plant() {
    // The seed of a device is its number, so two runs look alike (README), and each device has its own values.
    std::vector<Device> devices;
    for (const char* name : {"sensor1", "sensor2", "sensor3"}) {
        devices.emplace_back(DeviceKind::climate_sensor, name, std::string("plant/line1/") + name, devices.size() + 1);
    }
    devices.emplace_back(DeviceKind::climate_sensor, "sensor4", "plant/line2/sensor4", devices.size() + 1);
    devices.emplace_back(DeviceKind::power_meter, "meter1", "plant/energy/meter1", devices.size() + 1);
    devices.emplace_back(DeviceKind::door_contact, "door1", "plant/gate/door1", devices.size() + 1);
    return devices;
}

}  // namespace ledge::demo
