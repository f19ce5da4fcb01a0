// fwclient_fuzz: input := options:u8 step*, with
//   step := 0xxxxxxx            the next x bytes come over the serial line, through the framer
//         | 10xxxxxx type body  a packet of x + 2 bytes and a right length, past the framer
//         | 11xxxxxx            the firmware does something, or time passes
// Whatever comes, each packet of the device is well formed and within the MTU, and afterwards the device works again
// with a gateway that answers.
#include <algorithm>
#include <string>
#include <utility>

#include "fwb.h"
#include "good_answer.hpp"
#include "input.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using Packet = std::vector<std::uint8_t>;

const fwb_topic topics[] = {FWB_PUB("t"),  FWB_SUB("c/#", 2),          FWB_SUB("d", 1),
                            FWB_PUB_ID(7), FWB_SUB_SHORT('a', 'b', 0), FWB_UNSUB("old")};
const std::uint8_t will_message[] = {'g', 'o', 'n', 'e'};
const fwb_will will = {"w", will_message, 4, FWB_QOS1};

class Firmware {
public:
    explicit Firmware(unsigned options) {
        config_.client_id = "dev1";
        config_.topics = topics;
        config_.topic_count = std::size(topics);
        config_.will = (options & 1U) != 0 ? &will : nullptr;
        config_.send = send;
        config_.event = event;
        config_.message = (options & 2U) != 0 ? message : nullptr;
        config_.name = (options & 4U) != 0 ? name : nullptr;
        config_.keep_alive_s = (options & 8U) != 0 ? 10 : 0;
        config_.retry_ms = 1000;
        config_.retries = 3;
        config_.flags =
            static_cast<std::uint8_t>(((options & 16U) != 0 ? FWB_CLEAN : 0) | ((options & 32U) != 0 ? FWB_SEARCH : 0));
        fuzz::require(fwb_check(&config_) == FWB_OK, "the configuration is good");
        fwb_init(&client_, &config_, ids_, this, static_cast<std::uint16_t>(options * 257U));
        fwb_link_init(&link_);
        fwb_open(&client_, now_ms_);
    }

    void input(const Packet& packet) {
        fwb_input(&client_, packet.data(), static_cast<std::uint16_t>(packet.size()), now_ms_);
        sent_.clear();
    }

    void line(const Packet& bytes) {
        for (const std::uint8_t byte : bytes) {
            const std::uint8_t size = fwb_link_byte(&link_, byte);
            fuzz::require(size <= FWB_MTU, "no packet above the MTU comes out of the framer");
            if (size > 0) input({FWB_LINK_PACKET(&link_), FWB_LINK_PACKET(&link_) + size});
        }
    }

    void act(unsigned choice) {
        const std::string text(choice, 'x');
        switch (choice % 8) {
            case 0: fwb_open(&client_, now_ms_); break;
            case 1: fwb_close(&client_, now_ms_); break;
            case 2: fwb_sleep(&client_, 20, now_ms_); break;
            case 3: fwb_check_mail(&client_, now_ms_); break;
            case 4: fwb_set_will(&client_, choice < 32 ? &will : nullptr, now_ms_); break;
            case 5: publish(choice / 8 % 2 == 0 ? 0 : 3, choice / 16 * 0x20, text); break;
            default: pass(choice * 200); break;
        }
        fwb_poll(&client_, now_ms_);
        sent_.clear();
    }

    bool works_again() {
        for (int turn = 0; turn < 400; ++turn) {
            pass(500);
            for (const Packet& packet : std::exchange(sent_, {})) {
                const Packet answer = fwclient::good_answer(packet);
                if (!answer.empty())
                    fwb_input(&client_, answer.data(), static_cast<std::uint16_t>(answer.size()), now_ms_);
            }
            fwb_open(&client_, now_ms_);
            if (std::exchange(is_delivered_, false) && turn > 200) return true;
            publish(3, FWB_QOS1, "works");
        }
        return false;
    }

private:
    static void send(void* io, const std::uint8_t* head, std::uint8_t head_bytes, const std::uint8_t* body,
                     std::uint8_t body_bytes) {
        Packet packet(head, head + head_bytes);
        if (body_bytes > 0) packet.insert(packet.end(), body, body + body_bytes);
        fuzz::require(packet.size() >= 2 && packet.size() <= FWB_PACKET_MAX, "each packet is within the MTU");
        fuzz::require(packet[0] == packet.size(), "each packet has its length");
        static_cast<Firmware*>(io)->sent_.push_back(packet);
    }

    static void event(void* io, std::uint8_t event, std::uint8_t) {
        if (event == FWB_DELIVERED) static_cast<Firmware*>(io)->is_delivered_ = true;
    }

    static std::uint8_t message(void*, const fwb_message* m) {
        unsigned sum = 0;  // reads all of it, for the address sanitizer
        for (unsigned i = 0; i < m->bytes; ++i) sum += m->data[i];
        fuzz::require(m->topic == FWB_NO_TOPIC || m->topic < std::size(topics), "the topic is one of the table");
        return static_cast<std::uint8_t>(sum % 16 == 0 ? FWB_INVALID_TOPIC : FWB_ACCEPTED);
    }

    static std::uint8_t name(void*, std::uint16_t id, const char* name, std::uint8_t name_bytes) {
        return static_cast<std::uint8_t>(id == 0 || name[name_bytes - 1] == '!' ? FWB_NOT_SUPPORTED : FWB_ACCEPTED);
    }

    void publish(unsigned topic, unsigned flags, const std::string& text) {
        fwb_publish(&client_, static_cast<std::uint8_t>(topic), static_cast<std::uint8_t>(flags), text.data(),
                    static_cast<std::uint16_t>(text.size()), now_ms_);
    }

    void pass(std::uint32_t ms) {
        while (true) {
            const std::uint32_t next = fwb_poll(&client_, now_ms_);
            if (next > ms) break;
            now_ms_ += next;
            ms -= next;
        }
        now_ms_ += ms;
    }

    fwb client_{};
    fwb_link link_{};
    fwb_config config_{};
    std::uint16_t ids_[std::size(topics)] = {};
    std::uint32_t now_ms_ = 0xFFFF0000;
    std::vector<Packet> sent_;
    bool is_delivered_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Firmware firmware(input.byte());
    for (int steps = 0; !input.empty() && steps < 300; ++steps) {
        const unsigned step = input.byte();
        if (step < 0x80) {
            firmware.line(input.bytes(step));
        } else if (step < 0xC0) {
            Packet packet = input.bytes((step & 0x3FU) + 1);
            packet.insert(packet.begin(), static_cast<std::uint8_t>(packet.size() + 1));
            packet.shrink_to_fit();
            firmware.input(packet);
        } else {
            firmware.act(step & 0x3FU);
        }
    }
    fuzz::require(firmware.works_again(), "the device works again with a gateway that answers");
    return 0;
}
