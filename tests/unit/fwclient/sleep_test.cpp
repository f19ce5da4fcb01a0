// Sleeping devices: the way to sleep, the mail, and the ways back.
#include "device.hpp"

using fwclient::become_ready;
using fwclient::by_number;
using fwclient::connect;
using fwclient::Device;
using fwclient::Events;

TEST_CASE("sleep: DISCONNECT with a duration, the mail on request and before the time is over, then CONNECT to stay") {
    Device device(by_number);
    become_ready(device);
    CHECK(fwb_sleep(&device.client, 0, device.now) == FWB_EINVALID);
    CHECK(fwb_check_mail(&device.client, device.now) == FWB_ESTATE);
    CHECK(fwb_sleep(&device.client, 600, device.now) == FWB_OK);
    device.pass(1250);
    CHECK(device.sent() == "04 18 02 58 | 04 18 02 58");
    device.input("02 18");
    CHECK(device.take_events() == Events{{FWB_ASLEEP, 0}});
    device.pass(100'000);
    CHECK(device.sent().empty());
    CHECK(fwb_check_mail(&device.client, device.now) == FWB_OK);
    device.pass(0);
    CHECK(device.sent() == "06 16 64 65 76 31");
    device.input("08 0c 21 00 02 00 09 61");
    CHECK(device.sent() == "07 0d 00 02 00 09 00");
    device.input("02 17");
    CHECK(device.take_events() == Events{{FWB_ASLEEP, 0}});
    device.pass(524'999);
    CHECK(device.sent().empty());
    device.pass(1);
    CHECK(device.sent() == "06 16 64 65 76 31");
    device.input("02 17");
    fwb_open(&device.client, device.now);
    device.pass(0);
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
}

TEST_CASE("sleep: a second answer to DISCONNECT does not wake the device, whose clean CONNECT would delete the mail") {
    Device device(by_number);
    device.config.flags = FWB_CLEAN;
    become_ready(device);
    fwb_sleep(&device.client, 600, device.now);
    device.pass(1250);  // sent twice, so there are two answers
    device.input("02 18");
    device.sent();
    device.take_events();
    device.input("02 18");
    CHECK(device.take_events().empty());
    CHECK(device.sent().empty());
    device.pass(525'000);
    CHECK(device.sent() == "06 16 64 65 76 31");
}

TEST_CASE("sleep: a message of a sleeping device wakes it, and its CONNECT does not drop the mail") {
    Device device({FWB_PUB_ID(1)});
    device.config.flags = FWB_CLEAN;
    device.open();
    CHECK(device.sent() == "0a 04 04 01 00 1e 64 65 76 31");
    device.input("03 05 00");
    fwb_sleep(&device.client, 600, device.now);
    device.pass(0);
    device.input("02 18");
    device.sent();
    CHECK(device.publish(0, FWB_QOS1, "a") == FWB_OK);
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
    device.input("03 05 00");
    CHECK(device.sent() == "08 0c 21 00 01 00 03 61");
    CHECK(fwb_sleep(&device.client, 600, device.now) == FWB_EBUSY);
    device.input("07 0d 00 01 00 03 00");
    device.take_events();
    CHECK(fwb_sleep(&device.client, 600, device.now) == FWB_OK);
}

TEST_CASE("sleep: a message written while the mail comes is sent afterwards, in a connection") {
    Device device(by_number);
    become_ready(device);
    fwb_sleep(&device.client, 600, device.now);
    device.pass(0);
    device.input("02 18");
    fwb_check_mail(&device.client, device.now);
    device.pass(0);
    device.sent();
    device.when_received = [&](const fwclient::Received&) { device.publish(0, FWB_QOS1, "ok"); };
    device.input("08 0c 21 00 02 00 09 61");
    CHECK(device.sent() == "07 0d 00 02 00 09 00");
    device.input("02 17");
    CHECK(device.sent() == "0a 04 00 01 00 1e 64 65 76 31");
}

TEST_CASE("sleep: a gateway that has forgotten the sleeper, or is gone, is connected again") {
    for (const bool is_silent : {false, true}) {
        Device device({});
        connect(device);
        fwb_sleep(&device.client, 600, device.now);
        device.pass(0);
        device.input("02 18");
        device.pass(525'000);
        device.sent();
        device.take_events();
        if (is_silent) {
            device.pass(5 * 1250);
        } else {
            device.input("02 18");
        }
        CHECK(device.take_events() == Events{{FWB_LOST, 0}});
        CHECK(device.sent().find("04 00 01 00 1e") != std::string::npos);
    }
}

TEST_CASE("sleep: as long as mail comes, the gateway is not lost, however slow it is") {
    Device device(by_number);
    become_ready(device);
    fwb_sleep(&device.client, 600, device.now);
    device.pass(0);
    device.input("02 18");
    fwb_check_mail(&device.client, device.now);
    device.take_events();
    for (int i = 0; i < 20; ++i) {
        device.pass(3000);
        device.input("08 0c 21 00 02 00 09 61");
    }
    CHECK(device.take_events().empty());
    device.input("02 17");
    CHECK(device.take_events() == Events{{FWB_ASLEEP, 0}});
}
