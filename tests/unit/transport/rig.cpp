#include "rig.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "ledge/base/log_events.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::transport {

namespace {

constexpr int waits_max = 1000;  // of 10 ms each

Instant virtual_now{};

void keep_line(void* lines, const LogRecord& record) {
    CHECK(mismatch_with_table(record) == "");
    std::string line;
    format_text(record, line);
    static_cast<std::vector<std::string>*>(lines)->push_back(std::move(line));
}

broker::FakeShard& fresh_script() {
    broker::FakeShard::current() = broker::FakeShard{};
    virtual_now = Instant(1h);
    return broker::FakeShard::current();
}

}  // namespace

Rig::Rig(const DriverLimits& limits)
    : core(fresh_script()),
      log(LogLevel::debug, keep_line, &log_lines),
      poller(std::move(*net::Poller::create())),
      clock([] { return virtual_now; }),
      shard({}, log, 1, virtual_now),
      driver(shard, *poller, clock, limits) {
    REQUIRE(poller->add(posted.descriptor(), posted_ready_, EPOLLIN));
}

Rig::~Rig() {
    listeners.clear();
    fronts.clear();
    driver.close_all();
}

std::string Rig::listen(const Endpoint& endpoint) {
    return listen(endpoint, make_plain_front(static_cast<std::uint16_t>(listeners.size()), driver, log));
}

std::string Rig::listen(const Endpoint& endpoint, std::unique_ptr<Front> front) {
    fronts.push_back(std::move(front));
    auto listener = Listener::create(endpoint, *fronts.back(), driver, log);
    REQUIRE_MESSAGE(listener.ok(), (listener.ok() ? "" : text_of(listener.error())));
    REQUIRE(!(*listener)->start());
    listeners.push_back(std::move(*listener));
    return listeners.back()->addresses().front();
}

std::uint16_t Rig::listen_tcp() {
    return listen_tcp(make_plain_front(static_cast<std::uint16_t>(listeners.size()), driver, log));
}

std::uint16_t Rig::listen_tcp(std::unique_ptr<Front> front) {
    Endpoint endpoint;
    endpoint.port = 0;
    const std::string address = listen(endpoint, std::move(front));
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

int Rig::turn(int wait_max_ms) {
    clock.begin_turn();
    const int events = poller->poll(wait_max_ms);
    driver.flush();
    return events;
}

bool Rig::until(const std::function<bool()>& is_done) {
    for (int i = 0; i < waits_max; ++i) {
        if (is_done()) return true;
        turn(10);
    }
    return is_done();
}

void Rig::advance(Duration by) {
    virtual_now += by;
    clock.begin_turn();
    driver.on_time();
    for (const auto& listener : listeners) listener->on_time(virtual_now);
    for (const auto& front : fronts) front->on_time(virtual_now);
    driver.flush();
}

// ---------------------------------------------------------------------------------------------------------------------

Client::Client(int family) : descriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    REQUIRE(descriptor >= 0);
}

Client::~Client() {
    if (descriptor >= 0) ::close(descriptor);
}

Client Client::to_port(std::uint16_t port) {
    Client client;
    REQUIRE(client.connect_port(port));
    return client;
}

Client Client::to_port_from(std::uint8_t host, std::uint16_t port) {
    Client client;
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xFFFFFF00U) | host);
    REQUIRE(::bind(client.descriptor, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(client.connect_port(port));
    return client;
}

Client Client::to_path(const std::string& path) {
    Client client(AF_UNIX);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(client.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return client;
}

bool Client::connect_port(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
           errno == EINPROGRESS;
}

std::size_t Client::send(std::string_view text) {
    const ssize_t sent = ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::size_t Client::read(std::size_t size) {
    const std::size_t before = received.size();
    received.resize(before + size);
    const ssize_t count = ::recv(descriptor, received.data() + before, size, 0);
    const int error = errno;
    received.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count == 0) is_ended = true;
    if (count < 0 && error == ECONNRESET) is_reset = true;
    return received.size() - before;
}

void Client::finish() { ::shutdown(descriptor, SHUT_WR); }

void Client::reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(descriptor);
    descriptor = -1;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

}  // namespace ledge::transport
