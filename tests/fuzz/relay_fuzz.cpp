// relay_fuzz: input := flags:u8 (op:u8 operand)*. The bytes of an upstream into a relay whose local broker is honest,
// while devices publish, time passes and connections are lost. relay_stage.cpp has the promises.
//   op below 96: (op + 1) bytes of the upstream       96 to 103: CONNACK, its session and limits by the bits
//   104 to 111: SUBACK to the last request, code by op % 8
//   112 to 143: PUBACK, PUBREC, PUBREL, PUBCOMP by op % 4, code by op / 4 % 8, packet id operand:u8
//   144 to 159: PUBLISH of the upstream, QoS by op % 3; size:u8, packet id and flags:u8
//   160 to 175: a device publishes                    176 to 191: the local broker and the relay exchange all bytes
//   192 to 199: time passes, 2^(op - 192) seconds     200 to 207: the socket takes bytes
//   208 to 215: the upstream's connection is lost     216 to 219: the inner connection is lost
//   220 to 223: the local broker loses its session    224 to 231: the process begins again
//   232 to 247: the owner connects                    248 to 255: the owner stops the relay
#include "relay_stage.hpp"

namespace {

using namespace ledge;
using bridge::Relay;
using fuzz::RelayStage;

void act(RelayStage& stage, unsigned op, fuzz::Input& input) {
    if (op < 96) return stage.feed(input.bytes(op + 1U));
    if (op < 104) return stage.connack(op);
    if (op < 112) return stage.suback(op);
    if (op < 144) return stage.ack(op, input.byte());
    if (op < 160) return stage.publish(op, input);
    if (op < 176) return stage.device_publishes(op);
    if (op < 192) return stage.moves_inner();
    if (op < 200) return stage.waits(1s * (1 << (op - 192U)));
    if (op < 208) return stage.take(op % 2 == 0 ? 1'000'000 : op % 8 * 5);
    if (op < 216) return stage.loses_upstream(op % 2 == 0 ? Relay::Closed::by_peer : Relay::Closed::lost);
    if (op < 220) return stage.loses_inner();
    if (op < 224) return stage.forgets();
    if (op < 232) return stage.restarts();
    return op < 248 ? stage.connects() : stage.stops();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    RelayStage stage(input.byte());
    while (!input.empty()) {
        act(stage, input.byte(), input);
        stage.settles();
    }
    return 0;
}
