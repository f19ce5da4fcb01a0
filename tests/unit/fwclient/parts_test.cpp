// The parts beside the client: the beacon and the check of a configuration.
#include "device.hpp"

using fwclient::Device;

TEST_CASE("beacon: seven bytes without any state") {
    std::uint8_t head[7];
    CHECK(fwb_beacon(head, FWB_PREDEFINED, 0x1234, 3) == 7);
    CHECK(fwclient::shown({head, head + 7}) == "0a 0c 61 12 34 00 00");
    CHECK(fwb_beacon(head, FWB_SHORT, FWB_SHORT_ID('a', 'b'), 0) == 7);
    CHECK(fwclient::shown({head, head + 7}) == "07 0c 62 61 62 00 00");
    CHECK(fwb_beacon(head, FWB_PREDEFINED, 1, FWB_PAYLOAD_MAX) == 7);
    CHECK(fwb_beacon(head, FWB_PREDEFINED, 1, FWB_PAYLOAD_MAX + 1) == 0);
}

TEST_CASE("check: mistakes in a configuration are found") {
    const std::string long_name(FWB_PACKET_MAX - 5, 'x');
    const auto checked = [](const std::vector<fwb_topic>& topics, const std::function<void(fwb_config&)>& change) {
        Device device(topics);
        change(device.config);
        return fwb_check(&device.config);
    };
    const auto nothing = [](fwb_config&) {};
    CHECK(checked({FWB_PUB("t"), FWB_SUB_ID(1, 2), FWB_SUB_SHORT('a', 'b', 0)}, nothing) == FWB_OK);
    CHECK(checked({FWB_PUB("")}, nothing) == FWB_EINVALID);
    CHECK(checked({FWB_PUB(long_name.c_str())}, nothing) == FWB_EINVALID);
    CHECK(checked({FWB_PUB(long_name.c_str() + 1)}, nothing) == FWB_OK);
    CHECK(checked({FWB_PUB_ID(0)}, nothing) == FWB_EINVALID);
    CHECK(checked({FWB_PUB_ID(0xFFFF)}, nothing) == FWB_EINVALID);
    CHECK(checked({}, [](fwb_config& c) { c.client_id = ""; }) == FWB_EINVALID);
    CHECK(checked({}, [](fwb_config& c) { c.client_id = "123456789012345678901234"; }) == FWB_EINVALID);
    CHECK(checked({}, [](fwb_config& c) { c.client_id = "12345678901234567890123"; }) == FWB_OK);
    CHECK(checked({}, [](fwb_config& c) { c.retry_ms = 0; }) == FWB_EINVALID);
    CHECK(checked({}, [](fwb_config& c) { c.event = nullptr; }) == FWB_EINVALID);
    static const fwb_will bad = {"w", nullptr, FWB_PACKET_MAX - 1, 0};
    CHECK(checked({}, [](fwb_config& c) { c.will = &bad; }) == FWB_EINVALID);
}
