#include "message_text.hpp"

#include <doctest/doctest.h>

using namespace ledge;
using Format = cli::SubscribeOptions::Format;

namespace {

wire::Publish message(std::string_view payload) {
    wire::Publish packet;
    packet.topic = "plant/lamp";
    packet.payload = as_bytes(payload);
    return packet;
}

}  // namespace

TEST_CASE("each format has its text") {
    const auto text = [](Format format) { return cli::text_of(message("on"), format, false); };
    CHECK(text(Format::text) == "plant/lamp on\n");
    CHECK(text(Format::payload) == "on\n");
    CHECK(text(Format::raw) == "on");
    CHECK(text(Format::hex) == "plant/lamp 6f6e\n");
    CHECK(text(Format::json) == R"({"topic":"plant/lamp","payload":"on","qos":0,"retain":false})"
                                "\n");
}

TEST_CASE("JSON has the properties, and a payload that is no text in Base64") {
    wire::Publish packet = message("\xff\x01");
    packet.qos = wire::QoS::at_least_once;
    packet.retain = true;
    wire::PropertyBuilder properties;
    properties.text(wire::PropertyId::content_type, "text/plain")
        .text(wire::PropertyId::correlation_data, "id")
        .number(wire::PropertyId::message_expiry_interval, 60)
        .user("a", "1")
        .user("a", "2");
    packet.properties = properties.view();
    CHECK(cli::text_of(packet, Format::json, false) ==
          R"({"topic":"plant/lamp","payload_base64":"/wE=","qos":1,"retain":true,"content_type":"text/plain",)"
          R"("correlation_data_base64":"aWQ=","expires_in_s":60,"user_properties":[["a","1"],["a","2"]]})"
          "\n");
}

TEST_CASE("on a terminal no payload has an effect, and a pipe gets its bytes") {
    CHECK(cli::text_of(message("\x1b[2J\n"), Format::text, true) == "plant/lamp \\x1b[2J\\n\n");
    CHECK(cli::text_of(message("\x1b[2J\n"), Format::text, false) == "plant/lamp \x1b[2J\n\n");
    CHECK(cli::text_of(message("\x1b"), Format::raw, true) == "\\x1b");
}
