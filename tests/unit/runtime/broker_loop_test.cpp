// The whole of one thread's broker on real sockets of the loopback interface, with the real core behind it. The test's
// client is on the same thread and moves with the loop's turns, unless the test is about threads.
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/broker/metrics.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ledge/os/given_sockets.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::runtime {
namespace {

constexpr int turns_max = 1000;  // of 10 ms each at most

std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text.push_back(static_cast<char>(value));
    return text;
}

const std::string connect_v5 = bytes({0x10, 15, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 0, 0, 2, 'a', 'b'});
const std::string subscribe_x = bytes({0x82, 7, 0, 1, 0, 0, 1, 'x', 0});
const std::string publish_x = bytes({0x30, 7, 0, 1, 'x', 0, 'a', 'b', 'c'});

/// DISCONNECT, one byte of length, reason code 0x8B.
bool is_shutting_down(const std::string& text) {
    return text.size() > 2 && text.starts_with('\xE0') && text[2] == '\x8B';
}

BrokerLoopOptions options_for(int listeners) {
    BrokerLoopOptions options;
    options.handles_signals = false;
    options.shard.sys_interval = Duration(0);
    for (int i = 0; i < listeners; ++i) {
        broker::ListenerOptions listener;
        listener.name = "test";
        listener.allow_anonymous = true;
        options.shard.listeners.push_back(listener);
        transport::Endpoint endpoint;
        endpoint.port = 0;
        options.endpoints.push_back(endpoint);
    }
    return options;
}

const Log silent;

std::unique_ptr<BrokerLoop> make(BrokerLoopOptions options) {
    auto loop = BrokerLoop::create(std::move(options), silent);
    REQUIRE_MESSAGE(loop.ok(), (loop.ok() ? "" : text_of(loop.error())));
    return std::move(*loop);
}

std::uint16_t port_of(const BrokerLoop& loop, std::size_t index = 0) {
    const std::string address = loop.addresses().at(index);
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

class Client {
public:
    explicit Client(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(descriptor_); }

    void send(const std::string& text) {
        REQUIRE(::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }
    void read(int flags = MSG_DONTWAIT) {
        char buffer[4096];
        const ssize_t count = ::recv(descriptor_, buffer, sizeof buffer, flags);
        if (count > 0) received.append(buffer, static_cast<std::size_t>(count));
        if (count == 0) is_ended = true;
    }

    std::string received;
    bool is_ended = false;

private:
    int descriptor_;
};

/// Makes tasks that read nothing and then call `put_in_force`.
MakeReloadTask task_of(std::function<Reloaded()> put_in_force) {
    class Task final : public ReloadTask {
    public:
        explicit Task(std::function<Reloaded()> action) : action_(std::move(action)) {}
        void read() override {}
        Reloaded put_in_force() override { return action_(); }

    private:
        std::function<Reloaded()> action_;
    };
    return [put_in_force] { return std::make_unique<Task>(put_in_force); };
}

template <class Condition>
bool until(BrokerLoop& loop, Condition is_done) {
    for (int i = 0; i < turns_max && !is_done(); ++i) loop.turn(10ms);
    return is_done();
}

bool hears(BrokerLoop& loop, Client& client, std::size_t size) {
    return until(loop, [&] {
        client.read();
        return client.received.size() >= size;
    });
}

bool is_ended(BrokerLoop& loop, Client& client) {
    return until(loop, [&] {
        client.read();
        return client.is_ended;
    });
}

TEST_CASE("a client is served from CONNECT to the message it has sent to itself") {
    const auto loop = make(options_for(1));
    Client client(port_of(*loop));
    client.send(connect_v5);
    REQUIRE(hears(*loop, client, 5));
    CHECK(client.received[0] == 0x20);
    client.received.clear();
    client.send(subscribe_x);
    REQUIRE(hears(*loop, client, 6));
    client.received.clear();
    for (int i = 0; i < 100; ++i) client.send(publish_x);
    REQUIRE(hears(*loop, client, 100 * publish_x.size()));
    for (std::size_t i = 0; i < 100; ++i)
        CHECK(client.received.substr(i * publish_x.size(), publish_x.size()) == publish_x);
}

TEST_CASE("a loop hands its sockets over to another one: clients are told, and those who come wait for the next") {
    auto first = make(options_for(1));
    const std::uint16_t port = port_of(*first);
    Client client(port);
    client.send(connect_v5);
    REQUIRE(hears(*first, client, 5));
    client.received.clear();
    os::GivenSockets sockets;
    for (os::GivenSocket& one : first->duplicate_sockets()) sockets.add(std::move(one));
    first->request_hand_over();
    first->run();
    client.read();
    CHECK(is_shutting_down(client.received));
    CHECK(!first->is_store_abandoned());
    first.reset();
    Client waiting(port);  // nobody serves now
    waiting.send(connect_v5);

    BrokerLoopOptions options = options_for(1);
    options.given_sockets = &sockets;
    const auto second = make(std::move(options));
    CHECK(port_of(*second) == port);
    CHECK(hears(*second, waiting, 5));
    second->stop();
    second->run();
}

TEST_CASE("a turn beats at the interval of the heartbeat, and an idle loop wakes up for nothing else") {
    BrokerLoopOptions options = options_for(1);
    int beats = 0;
    options.heartbeat_interval = 5ms;
    options.on_heartbeat = [&] { ++beats; };
    const auto loop = make(std::move(options));
    const std::uint64_t before = loop->turns();
    while (beats < 4) loop->turn(Duration::max());
    // The first beat comes at once; each further one wakes the loop up once.
    CHECK(loop->turns() - before <= 6);
    loop->stop();
    loop->run();
}

TEST_CASE("an address that is not there yet does not keep the other listeners from serving") {
    BrokerLoopOptions options = options_for(2);
    options.endpoints[0].host = "192.0.2.1";  // RFC 5737: nobody has it
    const auto loop = make(options);
    REQUIRE(loop->addresses().size() == 1);
    Client client(port_of(*loop));
    client.send(connect_v5);
    CHECK(hears(*loop, client, 5));
    loop->stop();
    loop->run();
}

TEST_CASE("every endpoint has its listener, and one that cannot be had is named") {
    BrokerLoopOptions options = options_for(2);
    const auto loop = make(options);
    REQUIRE(loop->addresses().size() == 2);
    Client first(port_of(*loop, 0));
    Client second(port_of(*loop, 1));
    first.send(connect_v5);
    second.send(connect_v5);
    CHECK(hears(*loop, first, 5));
    CHECK(hears(*loop, second, 5));

    options.endpoints[1].port = port_of(*loop);
    auto refused = BrokerLoop::create(options, silent);
    REQUIRE(!refused.ok());
    CHECK(text_of(refused.error()) == "cannot listen on " + loop->addresses()[0] + ": Address already in use");
}

TEST_CASE("an idle loop does not wake up, with a hundred idle clients at most twice a second") {
    const auto loop = make(options_for(1));
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(std::make_unique<Client>(port_of(*loop)));
        clients.back()->send(
            bytes({0x10, 15, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 0, 0, 2, 'a' + i / 10, '0' + i % 10}));
    }
    for (const auto& client : clients) REQUIRE(hears(*loop, *client, 5));
    const Instant start = read_clock();
    const std::uint64_t before = loop->turns();
    while (read_clock() < start + 1s) loop->turn(start + 1s - read_clock());
    const std::int64_t seconds = (read_clock() - start) / 1s;  // more than one on a machine that is busy
    CHECK(loop->turns() - before <= static_cast<std::uint64_t>(2 * seconds));
}

TEST_CASE("the shard's timers are served: who never says CONNECT is closed") {
    BrokerLoopOptions options = options_for(1);
    options.shard.listeners[0].limits.connect_timeout = 50ms;
    const auto loop = make(options);
    Client client(port_of(*loop));
    CHECK(is_ended(*loop, client));
}

TEST_CASE("a graceful stop says why, ends in order and closes the door") {
    const auto loop = make(options_for(1));
    Client client(port_of(*loop));
    client.send(connect_v5);
    REQUIRE(hears(*loop, client, 5));
    client.received.clear();
    loop->stop();
    CHECK(loop->addresses().empty());
    REQUIRE(is_ended(*loop, client));
    CHECK(is_shutting_down(client.received));
}

TEST_CASE("a stop does not wait for ever for a client that does not close") {
    BrokerLoopOptions options = options_for(1);
    bool is_asked_again = false;
    SUBCASE("nor longer than it was told") { options.stop_time_max = 1ms; }
    SUBCASE("nor for its time if it is asked again") {
        options.stop_time_max = 24h;
        is_asked_again = true;
    }
    const auto loop = make(options);
    Client client(port_of(*loop));
    client.send(connect_v5);
    REQUIRE(hears(*loop, client, 5));
    loop->stop();
    if (is_asked_again) {
        CHECK(loop->turn(0ms));  // it waits for the client
        loop->stop();
    }
    loop->run();  // comes to an end
    CHECK(!loop->turn(0ms));
    client.read();
    client.read();
    CHECK(client.is_ended);
}

TEST_CASE("a stop without clients is done at once") {
    const auto loop = make(options_for(1));
    loop->stop();
    CHECK(!loop->turn(5s));
}

TEST_CASE("another thread may ask for the stop") {
    const auto loop = make(options_for(1));
    const std::uint16_t port = port_of(*loop);
    std::thread client_thread([&] {
        Client client(port);
        client.send(connect_v5);
        while (client.received.size() < 5 && !client.is_ended) client.read(0);
        loop->request_stop();
        while (!client.is_ended) client.read(0);
    });
    loop->run();
    client_thread.join();
    CHECK(!loop->turn(0ms));
}

TEST_CASE("signals: SIGHUP calls, SIGTERM stops") {
    BrokerLoopOptions options = options_for(1);
    options.handles_signals = true;
    int hang_ups = 0;
    options.on_hang_up = task_of([&] {
        ++hang_ups;
        return Reloaded::in_force;
    });
    const auto loop = make(options);
    std::raise(SIGHUP);
    CHECK(until(*loop, [&] { return hang_ups == 1; }));
    std::raise(SIGHUP);
    CHECK(until(*loop, [&] { return hang_ups == 2; }));
    Client client(port_of(*loop));
    client.send(connect_v5);
    REQUIRE(hears(*loop, client, 5));
    client.received.clear();
    std::raise(SIGTERM);
    CHECK(is_ended(*loop, client));
    CHECK(is_shutting_down(client.received));
}

TEST_CASE("a changed file of the policy is told once it has settled; what SIGHUP has read is known") {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("ledgemq-watched-" + std::to_string(::getpid())));
    std::ofstream(path) << "1";
    BrokerLoopOptions options = options_for(1);
    options.handles_signals = true;
    options.policy_files = {path};
    int changes = 0;
    int hang_ups = 0;
    BrokerLoop* running = nullptr;
    options.on_policy_files = task_of([&] {
        ++changes;
        return Reloaded::refused;
    });
    options.on_hang_up = task_of([&] {
        ++hang_ups;
        running->set_policy(std::make_shared<auth::Policy>(), {path});
        return Reloaded::in_force;
    });
    const auto loop = make(options);
    running = loop.get();
    std::ofstream(path) << "22";
    std::raise(SIGHUP);
    CHECK(until(*loop, [&] { return hang_ups == 1; }));
    std::ofstream(path) << "333";
    CHECK(until(*loop, [&] { return changes == 1; }));
    CHECK(loop->shard().metrics().counters.policies_loaded == 1);
    CHECK(loop->shard().metrics().counters.policies_refused == 1);
    std::filesystem::remove(path);
}

/// What happened to a part of the loop.
struct Happened {
    int starts = 0;
    int turns = 0;
    int times = 0;
    int stops = 0;
    bool is_destroyed = false;
    bool wants_turn = false;
    bool is_stopped = false;
    Instant deadline = never;
};

class FakePart final : public LoopPart {
public:
    explicit FakePart(Happened& happened) : happened_(happened) {}
    ~FakePart() override { happened_.is_destroyed = true; }
    void start(Instant) override { ++happened_.starts; }
    void turn(Instant) override { ++happened_.turns; }
    bool wants_turn() const override { return happened_.wants_turn; }
    void on_time(Instant) override {
        ++happened_.times;
        happened_.deadline = never;
    }
    Instant next_deadline() const override { return happened_.deadline; }
    void stop(Instant) override { ++happened_.stops; }
    bool is_stopped() const override { return happened_.is_stopped; }

private:
    Happened& happened_;
};

TEST_CASE("a part of the program has its turns and its deadlines, and the loop sleeps only if the part agrees") {
    Happened happened;
    BrokerLoopOptions options = options_for(0);
    options.parts.push_back([&](const LoopServices& services) {
        CHECK(services.tls_workers == nullptr);
        return std::make_unique<FakePart>(happened);
    });
    const auto loop = make(std::move(options));
    CHECK(happened.starts == 1);
    CHECK(happened.turns == 0);
    happened.wants_turn = true;
    loop->turn(Duration::max());  // would wait for ever otherwise
    CHECK(happened.turns == 1);
    happened.wants_turn = false;
    happened.deadline = loop->now() + 20ms;
    for (int i = 0; i < 10 && happened.times == 0; ++i) loop->turn(Duration::max());
    CHECK(happened.times == 1);
    CHECK(happened.turns < 10);  // the loop has slept until then
}

TEST_CASE("a part that has work in every turn keeps nobody waiting: sockets, posted calls, signals") {
    Happened happened;
    happened.wants_turn = true;
    happened.is_stopped = true;
    BrokerLoopOptions options = options_for(1);
    options.handles_signals = true;
    options.parts.push_back([&](const LoopServices&) { return std::make_unique<FakePart>(happened); });
    const auto loop = make(std::move(options));
    Client client(port_of(*loop));
    client.send(connect_v5);
    REQUIRE(hears(*loop, client, 5));
    std::raise(SIGTERM);
    int turns = 0;
    for (; turns < turns_max && happened.stops == 0; ++turns) loop->turn(10ms);
    CHECK(happened.stops == 1);
}

TEST_CASE("a stop waits until the parts have stopped, and destroys them before the driver") {
    for (const bool does_stop : {true, false}) {
        CAPTURE(does_stop);
        Happened happened;
        BrokerLoopOptions options = options_for(1);
        options.stop_time_max = 50ms;
        options.needs_tls_workers = true;
        options.parts.push_back([&](const LoopServices& services) {
            CHECK(services.tls_workers != nullptr);
            return std::make_unique<FakePart>(happened);
        });
        const auto loop = make(std::move(options));
        loop->stop();
        CHECK(happened.stops == 1);
        CHECK(loop->turn(0ms));
        CHECK_FALSE(happened.is_destroyed);
        happened.is_stopped = does_stop;
        const auto begin = std::chrono::steady_clock::now();
        while (loop->turn(10ms)) {
        }
        CHECK(happened.is_destroyed);
        if (!does_stop) CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    }
}

TEST_CASE("listeners beyond the last endpoint are for parts of the program") {
    BrokerLoopOptions options = options_for(1);
    options.shard.listeners.emplace_back().name = "bridge:cloud";
    const auto loop = make(std::move(options));
    CHECK(loop->addresses().size() == 1);
    broker::ListenerOptions more;
    more.name = "more";
    transport::Endpoint endpoint;
    endpoint.port = 0;
    CHECK(loop->add_listener(more, endpoint, {}, false).ok());
    CHECK(loop->addresses().size() == 2);
}

}  // namespace
}  // namespace ledge::runtime
