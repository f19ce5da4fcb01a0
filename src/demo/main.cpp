// ledgemq-demo: simulated devices that publish telemetry to a broker until SIGTERM or SIGINT. One thread polls all
// sockets. Exit status: 0 = stopped by a signal, 1 = the address of the broker cannot be found, 2 = wrong command line.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "client.hpp"
#include "devices.hpp"
#include "ledge/base/assert.hpp"

namespace {

using namespace ledge::demo;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A broker that restarts is found again soon, and a broker that is down is not asked more than once a second.
constexpr milliseconds reconnect_delay{1000};
// An address that drops packets would otherwise keep an attempt open for minutes (tcp_syn_retries in tcp(7)).
constexpr milliseconds connect_time_max{5000};

/// Converts a time of std::chrono into the one of client::Client, and back.
ledge::Instant instant(Clock::time_point time) {
    return ledge::Instant(std::chrono::duration_cast<ledge::Duration>(time.time_since_epoch()));
}

Clock::time_point time_point(ledge::Instant instant) {
    if (instant == ledge::never) return Clock::time_point::max();
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(instant.time_since_epoch()));
}

struct Options {
    std::string host = "127.0.0.1";
    std::string port = "1883";
    milliseconds interval{1000};
};

/// A device and its connection.
struct ConnectedDevice {
    Device device;
    Client client;
    Clock::time_point next_connect;  // a connection attempt is due, or the current one has timed out
    Clock::time_point next_measure;
    bool was_connected = false;

    explicit ConnectedDevice(Device d) : device(std::move(d)), client("demo-" + device.name(), device.will()) {}
};

[[noreturn]] void usage(int exit_code) {
    std::fputs(
        "usage: ledgemq-demo [--host HOST] [--port PORT] [--interval SECONDS]\n"
        "Simulated devices publish to plant/... until SIGTERM or SIGINT. Defaults: 127.0.0.1, 1883, 1 second.\n",
        exit_code == 0 ? stdout : stderr);
    std::exit(exit_code);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help") usage(0);
        // Every option except --help has a value.
        if (i + 1 == argc) usage(2);
        const std::string value = argv[++i];
        if (name == "--host") {
            options.host = value;
        } else if (name == "--port") {
            options.port = value;
        } else if (name == "--interval") {
            char* end = nullptr;
            const double seconds = std::strtod(value.c_str(), &end);
            // The negated form of the comparison also refuses NaN, which strtod() accepts.
            if (end == value.c_str() || *end != '\0' || !(seconds >= 0.01 && seconds <= 3600)) usage(2);
            options.interval = milliseconds(static_cast<long>(seconds * 1000));
        } else {
            usage(2);
        }
    }
    return options;
}

/// A descriptor that becomes readable when SIGTERM or SIGINT arrives, so that poll() waits for signals too.
int open_stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    // signalfd() reports blocked signals only; otherwise their default action would end the process.
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

/// Connects again when the connection is lost or an attempt takes too long. Prints changes, and sends the greeting of
/// the device on each new connection.
void keep_connected(ConnectedDevice& one, const Address& address, Clock::time_point now) {
    const bool is_connected = one.client.is_connected();
    if (is_connected != one.was_connected) {
        std::printf("%s %s\n", one.device.name().c_str(), is_connected ? "connected" : "lost its connection");
        if (is_connected) {
            for (const auto& message : one.device.greeting()) one.client.publish(message, instant(now));
        } else {
            one.next_connect = now + reconnect_delay;
        }
        one.was_connected = is_connected;
    }
    // next_connect is the time of the next attempt, and during an attempt the time at which it is given up. A socket
    // that was closed early shortens the wait.
    if (!one.client.is_connected() && now >= one.next_connect) {
        one.client.connect(address);
        one.next_connect = now + (one.client.is_closed() ? reconnect_delay : connect_time_max);
    } else if (one.client.is_closed() && one.next_connect > now + reconnect_delay) {
        one.next_connect = now + reconnect_delay;
    }
}

/// Does what is due for one device now.
void serve(ConnectedDevice& one, const Options& options, const Address& address, Clock::time_point now) {
    keep_connected(one, address, now);
    if (now >= one.next_measure) {
        const double elapsed_s = std::chrono::duration<double>(options.interval).count();
        for (const auto& message : one.device.measure(elapsed_s)) one.client.publish(message, instant(now));
        // The next time follows from the last one and not from `now`, so that delays do not add up.
        one.next_measure += options.interval;
        if (one.next_measure <= now)
            one.next_measure = now + options.interval;  // the machine was suspended: no catching up
    }
    if (one.client.next_deadline() <= instant(now)) one.client.on_time(instant(now));
}

/// Waits for sockets, a stop signal or the time `until`. False: a stop signal came.
bool wait(std::vector<std::unique_ptr<ConnectedDevice>>& devices, int stop_fd, Clock::time_point until) {
    std::vector<pollfd> places;
    // A closed device has the descriptor -1, which poll() ignores (poll(2)).
    for (const auto& one : devices) places.push_back({one->client.fd(), one->client.events(), 0});
    places.push_back({stop_fd, POLLIN, 0});
    // Rounded up, so that poll() does not return just before the time and make the loop spin.
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    // After an error, such as EINTR, `revents` of every place is still 0, so the result needs no check.
    poll(places.data(), places.size(), left < 0 ? 0 : static_cast<int>(left));
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (places[i].revents != 0) devices[i]->client.on_ready(places[i].revents, instant(Clock::now()));
    }
    // The last place is the descriptor of the stop signals.
    return places.back().revents == 0;
}

void run(const Options& options, const Address& address, int stop_fd) {
    std::vector<std::unique_ptr<ConnectedDevice>> devices;
    // A Client cannot be moved, so the list holds pointers.
    for (auto& device : demo_plant()) devices.push_back(std::make_unique<ConnectedDevice>(std::move(device)));
    LEDGE_ASSERT(!devices.empty());
    auto start = Clock::now();
    for (auto& one : devices)
        one->next_measure = start += options.interval / devices.size();  // not all devices at once
    for (;;) {
        // The output may be a pipe of a container, which the C library would buffer until it is full.
        std::fflush(stdout);
        const auto now = Clock::now();
        auto next = now + reconnect_delay;  // the loop wakes up at least so often
        for (auto& one : devices) {
            serve(*one, options, address, now);
            next = std::min({next, one->next_measure, std::max(time_point(one->client.next_deadline()), now)});
            if (!one->client.is_connected()) next = std::min(next, std::max(one->next_connect, now));
        }
        if (!wait(devices, stop_fd, next)) break;
    }
    // A clean DISCONNECT, so that the broker does not publish the wills.
    for (auto& one : devices) one->client.leave(instant(Clock::now()));
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    // First, so that a signal that arrives while resolve() waits is kept until run() reads it.
    const int stop_fd = open_stop_signals();
    const auto address = resolve(options.host, options.port);
    if (!address) {
        std::fprintf(stderr, "ledgemq-demo: no address for %s port %s\n", options.host.c_str(), options.port.c_str());
        return 1;
    }
    std::printf("simulated devices publish to %s port %s\n", options.host.c_str(), options.port.c_str());
    run(options, *address, stop_fd);
    close(stop_fd);
    return 0;
}
