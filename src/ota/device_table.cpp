#include "device_table.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::ota {

bool DeviceTable::note(std::string_view name, const Request& request, wire::QoS qos, Instant now) {
    if (name.empty() || name.size() > name_bytes_max) return false;
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
        if (by_name_.size() == devices_max) forget_oldest();
        if (by_name_.size() == devices_max) return false;
        waiting_.push_back({std::string(name), TokenBucket(bytes_per_second_, 0, now), request, qos});
        by_name_.emplace(waiting_.back().name, std::prev(waiting_.end()));
        return true;
    }
    Device& device = *found->second;
    // A device that waits keeps its place in the order.
    if (!device.is_waiting) waiting_.splice(waiting_.end(), resting_, found->second);
    device.is_waiting = true;
    device.request = request;
    device.qos = qos;
    return true;
}

/// Only a device without a request is forgotten. Its rate begins anew when it comes back; the rate of all devices
/// together limits those who would use that.
void DeviceTable::forget_oldest() {
    if (resting_.empty()) return;
    by_name_.erase(by_name_.find(resting_.front().name));
    resting_.pop_front();
}

DeviceTable::Device* DeviceTable::next(Instant now) {
    for (Device& device : waiting_) {
        device.rate.refill(now);
        if (device.rate.is_ready()) return &device;
    }
    return nullptr;
}

void DeviceTable::served(Device& device, std::size_t bytes) {
    const auto at = by_name_.find(device.name);
    LEDGE_ASSERT(at != by_name_.end() && &*at->second == &device && device.is_waiting);
    device.rate.take(bytes);
    device.is_waiting = false;
    resting_.splice(resting_.end(), waiting_, at->second);
}

Instant DeviceTable::ready_at() const {
    Instant earliest = never;
    for (const Device& device : waiting_) earliest = std::min(earliest, device.rate.ready_at());
    return earliest;
}

}  // namespace ledge::ota
