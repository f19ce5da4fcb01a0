// ota_fuzz: input := flags:u8 (op:u8 operand)*. The server of firmware images with the real core and a directory on the
// disk, between devices that ask for anything and a stranger who may publish everywhere below ota/. Whatever comes: at
// most one answer for each request, data only as it stands in the file, an end of all turns, and good service at the
// end.
//   op below 96: device op % 4 publishes (operand:u8 % 14) bytes as its request, with QoS 1 for even op
//   96 to 159: device op % 4 asks for a block: offset:u16 bytes:u16
//   160 to 191: the stranger publishes (operand:u8 % 40) bytes retained as manifest, image or request, by op % 3
//   192 to 223: time passes, (op - 191) * 100 ms
//   224 to 239: the image is taken away, and comes back
//   240 to 255: an operator removes the session of the server
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "input.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/inner/inner_client.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/ota/ota_server.hpp"
#include "ledge/transport/driver.hpp"
#include "messages.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using fuzz::require;
namespace fs = std::filesystem;

constexpr std::uint32_t block_max = 16;
constexpr int turns_max = 10'000;  // of one step

Instant virtual_now{};

/// The directory with one image, for all inputs of the process.
class Directory {
public:
    Directory() {
        std::string pattern = (fs::temp_directory_path() / "ledgemq-ota-fuzz-XXXXXX").string();
        require(::mkdtemp(pattern.data()) != nullptr, "a directory can be made");
        path = pattern;
        for (int i = 0; i < 100; ++i) image += static_cast<char>(i * 7);
        std::ofstream(path / "boiler@1", std::ios::binary) << image;
        id = ota::image_id_of(auth::sha256(as_bytes(image)));
    }
    ~Directory() { fs::remove_all(path); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    void takes_away() const {
        const bool is_there = fs::exists(path / "boiler@1");
        fs::rename(path / (is_there ? "boiler@1" : ".away"), path / (is_there ? ".away" : "boiler@1"));
    }
    void brings_back() const {
        if (!fs::exists(path / "boiler@1")) takes_away();
    }

    fs::path path;
    std::string image;
    std::uint32_t id = 0;
};

const Directory& directory() {
    static const Directory all;
    return all;
}

broker::ShardOptions core_options() {
    broker::ShardOptions options;
    session::ListenerOptions listener;
    listener.name = "inner";
    listener.allow_anonymous = true;
    options.listeners = {listener};
    options.sys_interval = {};
    return options;
}

ota::OtaOptions server_options(unsigned flags) {
    ota::OtaOptions options;
    options.directory = directory().path;
    options.block_bytes_max = block_max;
    options.bytes_per_second_max = (flags & 1U) != 0 ? 100 : 0;
    options.device_bytes_per_second_max = (flags & 2U) != 0 ? 50 : 0;
    return options;
}

/// A device that checks its answers; the stranger is one too.
class Device {
public:
    Device(transport::Driver& driver, std::string_view name)
        : topic_("ota/get/" + std::string(name)), client_(driver, options_of(name)) {
        client_.start(virtual_now);
    }
    void turn() {
        client_.on_time(virtual_now);
        for (;;) {
            const client::Event event = client_.next_event(virtual_now);
            if (client::is_nothing(event)) break;
            if (const auto* const message = std::get_if<client::Message>(&event)) on_answer(message->packet);
        }
        client_.turn(virtual_now);
    }
    bool wants_turn() const { return client_.wants_turn() || client_.has_input(); }
    void publishes(std::string_view topic, Bytes payload, bool is_qos1, bool is_retained = false) {
        wire::Publish packet;
        packet.topic = topic;
        packet.payload = payload;
        packet.qos = is_qos1 ? wire::QoS::at_least_once : wire::QoS::at_most_once;
        packet.retain = is_retained;
        static_cast<void>(client_.client().publish(packet));
    }
    void asks(Bytes payload, bool is_qos1) {
        ++asked_;
        publishes(topic_, payload, is_qos1);
    }
    /// What the stranger publishes as this device may be answered too, also again after each connection of the server.
    void may_be_forged() { asked_ = 1'000'000; }
    int blocks() const { return blocks_; }

private:
    static inner::InnerClientOptions options_of(std::string_view name) {
        inner::InnerClientOptions options;
        options.user = options.client.client_id = name;
        options.address = "test";
        options.filters = {{"ota/block/" + std::string(name), {.qos = wire::QoS::at_least_once}}};
        return options;
    }
    void on_answer(const wire::Publish& packet) {
        if (packet.qos != wire::QoS::at_most_once) client_.client().acknowledge(packet.packet_id);
        require(++answered_ <= asked_, "a request has one answer at most");
        const Bytes bytes = packet.payload;
        require(bytes.size() >= ota::answer_head_bytes && bytes[8] <= 3, "an answer has a head and a status");
        const Bytes data = bytes.subspan(ota::answer_head_bytes);
        require(data.empty() == (bytes[8] != 0) && data.size() <= block_max, "data comes with status 0, and not more");
        if (data.empty()) return;
        std::size_t offset = 0;
        for (const Byte byte : bytes.subspan(4, 4)) offset = offset << 8U | byte;
        const std::string& image = directory().image;
        require(offset < image.size() && image.substr(offset).starts_with(as_text(data)), "data is that of the file");
        ++blocks_;
    }

    std::string topic_;
    inner::InnerClient client_;
    int asked_ = 0;
    int answered_ = 0;
    int blocks_ = 0;
};

class Stage {
public:
    explicit Stage(unsigned flags)
        : poller_(std::move(*net::Poller::create())),
          clock_([] { return virtual_now; }),
          shard_(core_options(), log_, 1, virtual_now),
          driver_(shard_, *poller_, clock_),
          server_(server_options(flags), runtime::LoopServices{io_, shard_, driver_}, log_) {
        for (std::size_t i = 0; i < devices.size(); ++i)
            devices[i] = std::make_unique<Device>(driver_, "d" + std::to_string(i));
        server_.start(virtual_now);
        passes(2s);
    }
    ~Stage() {
        for (auto& device : devices) device.reset();
        driver_.close_all();
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    void rests() {
        bool is_moving = true;
        for (int turns = 0; is_moving; ++turns) {
            require(turns < turns_max, "the turns have an end");
            clock_.begin_turn();
            if (shard_.next_deadline() <= virtual_now) shard_.on_time(virtual_now);
            if (server_.next_deadline() <= virtual_now) server_.on_time(virtual_now);
            for (const auto& device : devices) device->turn();
            server_.turn(virtual_now);
            driver_.flush();
            is_moving = server_.wants_turn() || server_.next_deadline() <= virtual_now ||
                        std::ranges::any_of(devices, [](const auto& device) { return device->wants_turn(); });
        }
    }
    void passes(Duration duration) {
        const Instant end = virtual_now + duration;
        for (rests(); virtual_now < end; rests()) virtual_now = std::min(end, server_.next_deadline());
    }
    void removes_session() { shard_.remove_session("$part/ota", virtual_now); }

    std::array<std::unique_ptr<Device>, 5> devices;  // the last one is the stranger, and the spare device at the end

private:
    Log log_;
    std::unique_ptr<net::Poller> poller_;
    transport::TurnClock clock_;
    boost::asio::io_context io_{1};
    broker::Shard shard_;
    transport::Driver driver_;
    ota::OtaServer server_;
};

std::vector<Byte> request(std::uint16_t offset, std::uint16_t bytes) {
    std::vector<Byte> all;
    for (const std::uint32_t number : {directory().id, std::uint32_t{offset}})
        for (const unsigned shift : {24U, 16U, 8U, 0U}) all.push_back(static_cast<Byte>(number >> shift));
    for (const unsigned shift : {8U, 0U}) all.push_back(static_cast<Byte>(bytes >> shift));
    return all;
}

void step(Stage& stage, fuzz::Input& input) {
    const unsigned op = input.byte();
    Device& device = *stage.devices[op % 4];
    if (op < 96) {
        device.asks(input.bytes(input.below(14)), op % 2 == 0);
    } else if (op < 160) {
        const std::uint16_t offset = input.u16();
        device.asks(request(offset, input.u16()), op % 2 == 0);
    } else if (op < 192) {
        constexpr std::array<std::string_view, 3> topics = {"ota/manifest/boiler", "ota/image/x", "ota/get/d0"};
        stage.devices[0]->may_be_forged();
        stage.devices[4]->publishes(topics[op % 3], input.bytes(input.below(40)), op % 2 == 0, true);
    } else if (op < 224) {
        stage.passes((op - 191) * 100ms);
    } else if (op < 240) {
        directory().takes_away();
    } else {
        stage.removes_session();
    }
    stage.rests();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    directory().brings_back();
    virtual_now = Instant(1h);
    Stage stage(input.byte());
    while (!input.empty()) step(stage, input);
    directory().brings_back();
    stage.passes(60s);
    Device& spare = *stage.devices[4];
    spare.asks(request(96, 100), true);
    stage.passes(60s);
    require(spare.blocks() == 1, "the last block of the image can be fetched whatever was before");
    return 0;
}
