// DeviceLinks: the inner links of the devices of one gateway: how each device is a client of the broker. On the loop's
// thread.
//
//     Gateway ⇄ DeviceLinks ⇄ transport::InnerEnd (one per connected device) ⇄ Driver ⇄ the core
//
// With a thousand devices nothing may ask each of them in each turn. The gateway names the devices that want something
// (take_inner()), and the ends about which the broker has news stand in a transport::InnerReadyList.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "ledge/transport/inner_link.hpp"

namespace ledge::link {

class PacketLink;
struct LinkOptions;

class DeviceLinks {
public:
    /// All of them must outlive the object.
    DeviceLinks(const LinkOptions& options, mqttsn::Gateway& gateway, transport::Driver& driver);
    ~DeviceLinks();

    /// Moves bytes in both directions. `link` knows the addresses of devices.
    void turn(const PacketLink& link, Instant now);
    bool wants_turn() const { return !ready_.empty(); }
    /// No device has a connection to the broker.
    bool is_empty() const { return open_ == 0; }

private:
    struct End final : transport::InnerEnd {
        End(transport::Driver& driver, transport::InnerReadyList& ready, mqttsn::DeviceId device);
        mqttsn::DeviceId id;
    };

    void serve(mqttsn::DeviceId id, const PacketLink& link, Instant now);
    void open(mqttsn::DeviceId id, const PacketLink& link, Instant now);
    void read(End& end, Instant now);
    void write(End& end, Instant now);

    const LinkOptions& options_;
    mqttsn::Gateway& gateway_;
    transport::Driver& driver_;
    transport::InnerReadyList ready_;         // before the ends, which leave it when they are destroyed
    std::vector<std::unique_ptr<End>> ends_;  // by DeviceId; nullptr = not open
    std::size_t open_ = 0;
};

}  // namespace ledge::link
