// DeviceTable: one waiting request for each device, and the rate of each device. A newer request of a device replaces
// the older one, so a device that asks endlessly has one place like any other. Devices are served in the order of
// their requests. Owned by OtaServer.
//
//     note() ──► waiting ──next()──► the server answers ──served()──► resting ──► waiting again, or forgotten
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/wire/types.hpp"
#include "messages.hpp"

namespace ledge::ota {

class DeviceTable {
public:
    static constexpr std::size_t devices_max = 1000;
    static constexpr std::size_t name_bytes_max = 256;

    struct Device {
        std::string name;
        TokenBucket rate;  // a token is a byte of an answer
        Request request;
        wire::QoS qos = wire::QoS::at_most_once;
        bool is_waiting = true;
    };

    /// `bytes_per_second`: of answers to one device; 0 = unlimited.
    explicit DeviceTable(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

    /// Notes the request. False = the name is too long, or devices_max requests of other devices wait.
    bool note(std::string_view name, const Request& request, wire::QoS qos, Instant now);
    bool has_waiting() const { return !waiting_.empty(); }
    std::size_t waiting() const { return waiting_.size(); }
    /// The first waiting device whose rate allows an answer now; nullptr = none. See ready_at().
    Device* next(Instant now);
    /// The device has got an answer of this size. Requires that next() has returned it.
    void served(Device& device, std::size_t bytes);
    /// When next() will have a device, if nothing else changes; `never` = no request waits.
    Instant ready_at() const;

private:
    using Devices = std::list<Device>;

    void forget_oldest();

    std::uint64_t bytes_per_second_;
    Devices waiting_;  // in the order of their requests
    Devices resting_;  // in the order of their answers: the first one is forgotten first
    std::map<std::string, Devices::iterator, std::less<>> by_name_;
};

}  // namespace ledge::ota
