// client_fuzz: input := flags:u8 (op:u8 operand)*. The bytes of a server into a client whose application publishes,
// acknowledges, subscribes, waits and loses connections. Whatever comes: whole and correct packets out, bounded memory,
// each input used up, an end that stays one.
//   op below 128: (op + 1) bytes of the server      128 to 143: CONNACK, its flag by the lowest bit
//   144 to 159: publish, QoS by op % 3              160 to 175: answer packet id operand:u8, kind by op % 4
//   176 to 191: subscribe or unsubscribe            192 to 207: time passes, (op - 191) seconds
//   208 to 223: the transport takes bytes           224 to 239: the connection is lost, a new one begins
//   240 to 247: ping, send_auth, reauthenticate     248 to 255: disconnect
#include <optional>
#include <string>

#include "client_packets.hpp"
#include "input.hpp"
#include "ledge/client/client.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using client::Client;
using fuzz::is_readable;
using fuzz::require;
using wire::PacketType;

constexpr std::size_t fatal_bytes = 600;

// Small limits, so that a short input reaches them.
client::Options options_of(unsigned flags) {
    client::Options options;
    options.version = (flags & 1U) != 0 ? wire::Version::v3_1_1 : wire::Version::v5;
    options.client_id = (flags & 2U) != 0 ? "" : "fuzz";
    options.flow = (flags & 4U) != 0 ? client::Flow::passed_on : client::Flow::kept;
    options.session_expiry_s = (flags & 8U) != 0 ? 0 : 50;
    options.request_problem_information = (flags & 16U) == 0;
    if ((flags & 32U) != 0) options.authentication_method = "M";
    options.accepts_unknown_session = (flags & 64U) != 0;
    options.republishes_lost = (flags & 128U) == 0;
    options.drops_wildcard_topics = (flags & 9U) == 8U;
    options.receive_maximum = 4;
    options.topic_alias_maximum = 3;
    options.topic_alias_maximum_out = 2;
    options.maximum_packet_size = 300;
    options.limits = {200, fatal_bytes, 6, 300, 3, 2};
    return options;
}

/// A client, and what its server has read of it.
class Stage {
public:
    explicit Stage(unsigned flags) : client_(options_of(flags)) { client_.connect(true, now_); }

    void feed(Bytes bytes) {
        std::size_t events = 0;
        const std::size_t most = 2 * bytes.size() + 20;
        while (!client::is_nothing(note(client_.on_bytes(bytes, now_)))) {
            require(++events <= most, "each event takes a part of the input or ends a held message");
        }
        require(bytes.empty(), "all input is used up");
        check();
    }

    void connack(bool session_present) {
        feed(session_present ? Bytes(with_session_) : Bytes(without_session_));
        const bool is_v5 = client_.options().version == wire::Version::v5;
        if (is_v5) feed(Bytes(no_properties_));
    }

    void publish(unsigned qos, fuzz::Input& input) {
        wire::Publish packet;
        const std::string topic(1 + input.below(30), 't');
        packet.topic = topic;
        packet.qos = static_cast<wire::QoS>(qos);
        packet.packet_id = static_cast<wire::PacketId>(1 + input.below(8));
        if (client_.options().flow == client::Flow::kept && input.below(2) == 0) packet.packet_id = 0;
        static_cast<void>(client_.publish(packet).ok());
    }

    void answer(unsigned kind, wire::PacketId id) {
        if (id == 0) return;
        if (client_.options().flow == client::Flow::kept) {
            client_.acknowledge(id, kind == 3 ? wire::ReasonCode::quota_exceeded : wire::ReasonCode::success);
        } else {
            client_.send_ack({static_cast<PacketType>(static_cast<unsigned>(PacketType::puback) + kind), id, {}, {}});
        }
    }

    void request(unsigned kind) {
        if (kind % 2 == 0)
            static_cast<void>(client_.subscribe({{"a/#", {}}, {"$share/g/b", {}}}).ok());
        else
            static_cast<void>(client_.unsubscribe({"a/#"}).ok());
    }

    void wait(Duration by) {
        now_ += by;
        for (unsigned timers = 0; client_.next_deadline() <= now_; ++timers) {
            require(timers < 100, "timers make progress");
            note(client_.on_time(now_));
        }
    }

    /// The transport takes up to `most` bytes, and the server checks the packets among them.
    void take(std::size_t most) {
        const Bytes output = client_.output();
        const std::size_t count = std::min(most, output.size());
        sent_.insert(sent_.end(), output.begin(), output.begin() + static_cast<std::ptrdiff_t>(count));
        client_.sent(count, now_);
        Bytes rest(sent_);
        for (;;) {
            const Bytes before = rest;
            const auto next = framer_->next(rest, wire::packet_size_max);
            if (next.status == wire::Framer::Status::need_more) {
                sent_ = std::vector<Byte>(before.begin(), before.end());
                framer_.emplace();  // what is unfinished is given to it again
                return;
            }
            require(next.status == wire::Framer::Status::frame, "the client sends whole packets");
            require(is_readable(next.frame, client_.options().version), "the client sends correct packets");
        }
    }

    void reconnect(bool clean_start) {
        client_.closed();
        require(client_.output().empty(), "a closed client owes nothing");
        sent_.clear();
        framer_.emplace();
        has_ended_ = false;
        client_.connect(clean_start, now_);
    }

    void other(unsigned kind) {
        if (kind % 3 == 0) client_.ping(now_);
        if (kind % 3 == 1) client_.send_auth("answer");
        if (kind % 3 == 2) client_.reauthenticate("again");
    }

    void disconnect(unsigned kind) {
        client_.disconnect(kind % 2 == 0 ? wire::ReasonCode::success : wire::ReasonCode::disconnect_with_will);
        has_ended_ = true;
    }

    void check() {
        require(client_.output().size() <= 2 * fatal_bytes, "the outbox is bounded");
        require(client_.held_messages() <= client_.options().limits.held_messages_max, "held messages are bounded");
    }

private:
    client::Event note(client::Event event) {
        const bool is_outcome = std::holds_alternative<client::PublishDone>(event);
        require(!has_ended_ || is_outcome || client::is_nothing(event), "nothing happens after the end");
        if (std::holds_alternative<client::Ended>(event)) has_ended_ = true;
        return event;
    }

    static constexpr Byte with_session_[] = {0x20, 0x03, 0x01, 0x00};
    static constexpr Byte without_session_[] = {0x20, 0x03, 0x00, 0x00};
    static constexpr Byte no_properties_[] = {0x00};

    Instant now_ = Instant{} + 1h;
    Client client_;
    std::optional<wire::Framer> framer_{std::in_place};
    std::vector<Byte> sent_;
    bool has_ended_ = false;
};

void act(Stage& stage, unsigned op, fuzz::Input& input) {
    if (op < 128) return stage.feed(input.bytes(op + 1U));
    switch ((op - 128) / 16) {
        case 0: return stage.connack(op % 2 != 0);
        case 1: return stage.publish(op % 3, input);
        case 2: return stage.answer(op % 4, input.byte());
        case 3: return stage.request(op);
        case 4: return stage.wait(1s * (op - 191U));
        case 5: return stage.take(op % 2 == 0 ? 1'000'000 : op % 16);
        case 6: return stage.reconnect(op % 2 != 0);
        default: return op < 248 ? stage.other(op) : stage.disconnect(op);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Stage stage(input.byte());
    while (!input.empty()) {
        act(stage, input.byte(), input);
        stage.check();
    }
    stage.take(1'000'000);
    return 0;
}
