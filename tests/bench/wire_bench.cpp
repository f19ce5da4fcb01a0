// Micro benchmark of the codec: nanoseconds per operation, best of several rounds (a busy machine only ever adds).
//   wire_bench [iterations]      iterations per round, default 2,000,000; a small number makes a smoke test
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"
#include "ledge/wire/utf8.hpp"

namespace {

using namespace ledge;
using namespace ledge::wire;

/// The optimiser must believe that `value` is looked at.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

/// Runs `operation` in rounds and prints the fastest; one call does `operations_per_call` of what is measured.
template <class Operation>
void measure(const char* name, long calls, long operations_per_call, Operation operation) {
    constexpr int rounds = 7;
    double best = 1e18;
    for (int round = 0; round < rounds; ++round) {
        const auto start = std::chrono::steady_clock::now();
        for (long call = 0; call < calls; ++call) operation();
        const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
        best = std::min(best, spent.count() / static_cast<double>(calls * operations_per_call));
    }
    std::printf("%-34s %8.1f ns/op\n", name, best);
}

template <class Packet>
std::vector<Byte> encoded(const Packet& packet, Version version) {
    std::vector<Byte> bytes(encoded_size(packet, version));
    Writer out(bytes);
    encode(packet, version, out);
    return bytes;
}

/// About 100 bytes on the wire, as a sensor sends them.
Publish telemetry(QoS qos) {
    static const std::string payload(72, 'x');
    Publish packet;
    packet.topic = "plant/7/line/3/temp";
    packet.payload = as_bytes(payload);
    packet.qos = qos;
    packet.packet_id = qos == QoS::at_most_once ? 0 : 4711;
    return packet;
}

void measure_publish(const char* name, const Publish& packet, Version version, long iterations) {
    const std::vector<Byte> frame = encoded(packet, version);
    measure((std::string("decode ") + name).c_str(), iterations, 1, [&] {
        keep(frame);
        const auto decoded = decode_publish(frame, version);
        keep(decoded);
    });
    std::vector<Byte> place(64 * 1024);  // filled from front to back, as an outbox is
    std::size_t used = 0;
    measure((std::string("encode ") + name).c_str(), iterations, 1, [&] {
        keep(packet);
        const std::size_t size = encoded_size(packet, version);
        if (used + size > place.size()) used = 0;
        Writer out(std::span<Byte>(place).subspan(used, size));
        encode(packet, version, out);
        used += size;
        keep(place);
    });
}

/// 64 KiB of whole packets, as one read brings them, and the same in slices that cut packets apart.
void measure_framer(const char* name, const std::vector<Byte>& frame, std::size_t slice, long iterations) {
    std::vector<Byte> input;
    while (input.size() + frame.size() <= 64 * 1024) input.insert(input.end(), frame.begin(), frame.end());
    const long packets = static_cast<long>(input.size() / frame.size());
    Framer framer;
    measure(name, std::max(1L, iterations / packets), packets, [&] {
        for (std::size_t at = 0; at < input.size(); at += slice) {
            Bytes rest = Bytes(input).subspan(at, std::min(slice, input.size() - at));
            Framer::Next next = framer.next(rest, packet_size_max);
            for (; next.status == Framer::Status::frame; next = framer.next(rest, packet_size_max)) keep(next);
        }
    });
}

void measure_small_packets(long iterations) {
    Ack ack;
    ack.packet_id = 4711;
    const std::vector<Byte> frame = encoded(ack, Version::v5);
    measure("decode puback v5", iterations, 1, [&] {
        keep(frame);
        const auto decoded = decode_ack(frame, Version::v5);
        keep(decoded);
    });
    std::vector<Byte> place(frame.size());
    measure("encode puback v5", iterations, 1, [&] {
        keep(ack);
        Writer out(std::span<Byte>(place).first(encoded_size(ack, Version::v5)));
        encode(ack, Version::v5, out);
        keep(place);
    });

    Connect connect;
    connect.client_id = "meter-0042";
    connect.user_name = "meter";
    connect.password = as_bytes("secret");
    std::vector<Byte> hello(encoded_size(connect));
    Writer out(hello);
    encode(connect, out);
    measure("decode connect v3.1.1", iterations, 1, [&] {
        keep(hello);
        const auto decoded = decode_connect(hello);
        keep(decoded);
    });
}

void measure_text(long iterations) {
    const std::string ascii(1024, 'a');
    std::string mixed;
    while (mixed.size() < 1024) mixed += "Wärmepumpe/Küche ";
    measure("utf8 1 KiB of ASCII", std::max(1L, iterations / 32), 1, [&] {
        keep(ascii);
        keep(is_valid_utf8(ascii));
    });
    measure("utf8 1 KiB with umlauts", std::max(1L, iterations / 32), 1, [&] {
        keep(mixed);
        keep(is_valid_utf8(mixed));
    });
}

}  // namespace

int main(int argc, char** argv) {
    const long iterations = argc > 1 ? std::max(1L, std::atol(argv[1])) : 2'000'000;

    measure_publish("publish v3.1.1 qos 0", telemetry(QoS::at_most_once), Version::v3_1_1, iterations);
    measure_publish("publish v3.1.1 qos 1", telemetry(QoS::at_least_once), Version::v3_1_1, iterations);
    measure_publish("publish v5 qos 1, bare", telemetry(QoS::at_least_once), Version::v5, iterations);
    PropertyBuilder properties;
    properties.number(PropertyId::topic_alias, 7).number(PropertyId::message_expiry_interval, 60).user("unit", "°C");
    Publish rich = telemetry(QoS::at_least_once);
    rich.properties = properties.view();
    measure_publish("publish v5 qos 1, 3 properties", rich, Version::v5, iterations);
    measure_small_packets(iterations);

    const std::vector<Byte> small = encoded(telemetry(QoS::at_most_once), Version::v3_1_1);
    measure_framer("framer 64 KiB of 100 B packets", small, 64 * 1024, iterations);
    Publish bigger = telemetry(QoS::at_most_once);
    const std::string payload(200, 'x');
    bigger.payload = as_bytes(payload);
    measure_framer("framer 64 KiB of 230 B packets", encoded(bigger, Version::v3_1_1), 64 * 1024, iterations);
    measure_framer("framer 100 B packets, 1000 B reads", small, 1000, iterations);
    measure_text(iterations);
    return 0;
}
