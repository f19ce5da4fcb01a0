#include "rig.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "ledge/base/ip_text.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/os/address.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::link {
namespace {

constexpr int waits_max = 3000;  // of 1 ms each

Instant virtual_now{};

void keep_line(void* lines, const LogRecord& record) {
    CHECK(mismatch_with_table(record) == "");
    std::string line;
    format_text(record, line);
    static_cast<std::vector<std::string>*>(lines)->push_back(std::move(line));
}

/// A folder for one link.
std::string temporary_path() {
    std::string folder = (std::filesystem::temp_directory_path() / "ledge-line-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    return folder + "/usb-device";
}

}  // namespace

std::string hex(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const Byte byte : bytes) {
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

std::vector<Byte> bytes_of(const mqttsn::Message& message) {
    std::vector<Byte> bytes(mqttsn::encoded_size(message));
    wire::Writer out(bytes);
    mqttsn::encode(message, out);
    return bytes;
}

std::string hex_of(const mqttsn::Message& message) { return hex(bytes_of(message)); }

mqttsn::Connect connect_as(std::string_view client_id, bool is_clean) {
    mqttsn::Connect connect;
    connect.clean_session = is_clean;
    connect.keep_alive_s = 60;
    connect.client_id = client_id;
    return connect;
}

mqttsn::Publish publish_short(std::string_view topic, std::string_view payload, mqttsn::QoS qos, std::uint16_t id) {
    mqttsn::Publish publish;
    publish.qos = qos;
    publish.type = mqttsn::TopicIdType::short_name;
    publish.topic_id = mqttsn::short_id_of(topic);
    publish.message_id = id;
    publish.data = as_bytes(payload);
    return publish;
}

// ---------------------------------------------------------------------------------------------------------------------

Rig::Rig()
    : log(LogLevel::debug, keep_line, &lines),
      poller(std::move(*net::Poller::create())),
      clock([] { return virtual_now; }) {
    virtual_now = Instant(1h);
    session::ListenerOptions open;
    open.name = "open";
    open.allow_anonymous = true;
    session::ListenerOptions strict;
    strict.name = "strict";
    options.listeners = {open, strict};
    options.sys_interval = {};
    links = {udp_listener()};
}

Rig::~Rig() {
    line_listeners.reset();
    gateways.reset();
    if (driver) driver->close_all();
}

void Rig::starts() {
    shard = std::make_unique<broker::Shard>(options, log, 1, virtual_now);
    driver = std::make_unique<transport::Driver>(*shard, *poller, clock);
    const runtime::LoopServices services{io, *shard, *driver};
    gateways = std::make_unique<Gateways>(links, services, log, 7);
    gateways->start(virtual_now);
    line_listeners = std::make_unique<LineListeners>(line_ports, services, log);
    line_listeners->start(virtual_now);
}

std::vector<runtime::LoopPart*> Rig::parts() const {
    std::vector<runtime::LoopPart*> all = guests;
    all.push_back(gateways.get());
    all.push_back(line_listeners.get());
    return all;
}

bool Rig::wants_turn() const {
    return std::ranges::any_of(parts(), [](const auto* part) { return part->wants_turn(); });
}

Instant Rig::next_deadline() const {
    Instant next = never;
    for (const auto* const part : parts()) next = std::min(next, part->next_deadline());
    return next;
}

void Rig::turn() {
    clock.begin_turn();
    poller->poll(0);
    for (auto* const part : parts())
        if (part->next_deadline() <= virtual_now) part->on_time(virtual_now);
    shard->on_time(virtual_now);
    driver->on_time();
    for (auto* const part : parts()) part->turn(virtual_now);
    driver->flush();
}

bool Rig::until(const std::function<bool()>& holds) {
    for (int i = 0; i < waits_max; ++i) {
        turn();
        if (holds()) return true;
        if (!wants_turn()) poller->poll(1);
    }
    return false;
}

void Rig::rests() {
    // The kernel hands packets over within one process before the call of the sender returns.
    for (int quiet = 0; quiet < 4; ++quiet) {
        do turn();
        while (wants_turn());
    }
}

void Rig::passes(Duration time) {
    const Instant end = virtual_now + time;
    while (next_deadline() < end) {
        virtual_now = std::max(virtual_now, next_deadline());
        rests();
    }
    virtual_now = end;
    rests();
}

bool Rig::has_logged(std::string_view part) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

std::uint16_t Rig::port(std::size_t index) const {
    const std::string place = gateways->places().at(index);
    return static_cast<std::uint16_t>(std::stoi(place.substr(place.rfind(':') + 1)));
}

LinkOptions udp_listener(std::string_view host, std::uint16_t listener) {
    LinkOptions link;
    link.name = "sensors";
    link.listener = listener;
    link.place = UdpAddress{std::string(host), 0, false, {}};
    link.gateway.endpoint.packet_bytes_max = 1024;
    link.gateway.endpoint.link_reorders = true;
    return link;
}

LinkOptions serial_listener(std::string path) {
    LinkOptions link;
    link.name = "line";
    link.place = SerialLine{std::move(path), 115200, false};
    link.gateway.advertises_on_open = true;
    link.gateway.endpoint.retry_interval = 1s;
    return link;
}

// ---------------------------------------------------------------------------------------------------------------------

UdpDevice::UdpDevice(Rig& rig, std::uint16_t port, const char* host) : rig_(rig) {
    const os::SocketAddress to(*parse_ip(host), port);
    socket_.reset(::socket(to.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(socket_.get(), to.get(), to.size()) == 0);
}

void UdpDevice::sends_bytes(Bytes bytes) {
    REQUIRE(::send(socket_.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    rig_.rests();
}

std::string UdpDevice::gets() {
    rig_.rests();
    std::array<Byte, 2048> buffer{};
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return count < 0 ? std::string() : hex(Bytes(buffer).first(static_cast<std::size_t>(count)));
}

// ---------------------------------------------------------------------------------------------------------------------

Line::Line(Rig& rig) : rig_(rig), path_(temporary_path()) { plugs(); }

Line::~Line() { std::filesystem::remove_all(std::filesystem::path(path_).parent_path()); }

void Line::plugs() {
    int master = -1;
    int slave = -1;
    std::array<char, 128> name{};
    termios raw{};
    ::cfmakeraw(&raw);
    REQUIRE(::openpty(&master, &slave, name.data(), &raw, nullptr) == 0);
    ::close(slave);
    master_.reset(master);
    REQUIRE(::fcntl(master, F_SETFL, O_NONBLOCK) == 0);
    framer_ = mqttsn::LinkFramer();
    unread_.clear();
    std::filesystem::create_symlink(name.data(), path_);
}

void Line::unplugs() {
    std::filesystem::remove(path_);
    master_.reset();
}

void Line::sends_bytes(std::string_view bytes) {
    REQUIRE(::write(master_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

void Line::sends(const mqttsn::Message& message) {
    std::array<Byte, mqttsn::link_frame_bytes_max> frame{};
    const std::vector<Byte> packet = bytes_of(message);
    const std::size_t size = mqttsn::encode_frame(packet, frame);
    // As a device does whose line was idle (link_framer.hpp).
    sends_bytes(std::string(1, '\0') + std::string(as_text(Bytes(frame).first(size))));
}

std::string Line::gets() {
    std::string packet;
    // The kernel moves the bytes of a pseudo terminal on a thread of its own, so that they come a little later.
    rig_.until([&] {
        std::array<Byte, 512> buffer{};
        const ssize_t count = ::read(master_.get(), buffer.data(), buffer.size());
        if (count > 0) unread_.insert(unread_.end(), buffer.begin(), buffer.begin() + count);
        Bytes input(unread_);
        const auto next = framer_.next(input);
        if (next) packet = hex(*next);
        unread_.erase(unread_.begin(), unread_.end() - static_cast<std::ptrdiff_t>(input.size()));
        return next.has_value();
    });
    return packet;
}

}  // namespace ledge::link
