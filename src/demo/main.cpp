// ledgemq-demo: a handful of simulated devices that publish telemetry to a broker until SIGTERM or SIGINT.
// Exit 0: stopped; 1: the broker's address cannot be found; 2: wrong command line.
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

namespace {

using namespace ledge::demo;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds connect_again_after{1000};
constexpr milliseconds connect_takes_at_most{5000};

/// The time of the machine as the client wants it.
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
struct Seat {
    Device device;
    Client client;
    Clock::time_point next_connect;
    Clock::time_point next_measure;
    bool was_connected = false;

    explicit Seat(Device d) : device(std::move(d)), client("demo-" + device.name(), device.will()) {}
};

[[noreturn]] void usage(int exit_code) {
    std::fputs(
        "usage: ledgemq-demo [--host HOST] [--port PORT] [--interval SECONDS]\n"
        "Simulated devices publish to plant/... until SIGTERM. Defaults: 127.0.0.1, 1883, 1 second.\n",
        exit_code == 0 ? stdout : stderr);
    std::exit(exit_code);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help") usage(0);
        if (i + 1 == argc) usage(2);
        const std::string value = argv[++i];
        if (name == "--host") {
            options.host = value;
        } else if (name == "--port") {
            options.port = value;
        } else if (name == "--interval") {
            char* end = nullptr;
            const double seconds = std::strtod(value.c_str(), &end);
            if (end == value.c_str() || *end != '\0' || !(seconds >= 0.01 && seconds <= 3600)) usage(2);
            options.interval = milliseconds(static_cast<long>(seconds * 1000));
        } else {
            usage(2);
        }
    }
    return options;
}

int open_stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

void keep_connected(Seat& seat, const Address& address, Clock::time_point now) {
    const bool is_connected = seat.client.is_connected();
    if (is_connected != seat.was_connected) {
        std::printf("%s %s\n", seat.device.name().c_str(), is_connected ? "connected" : "lost its connection");
        if (is_connected) {
            for (const auto& message : seat.device.greeting()) seat.client.publish(message, instant(now));
        } else {
            seat.next_connect = now + connect_again_after;
        }
        seat.was_connected = is_connected;
    }
    if (!seat.client.is_connected() && now >= seat.next_connect) {
        seat.client.connect(address);
        seat.next_connect = now + (seat.client.is_closed() ? connect_again_after : connect_takes_at_most);
    } else if (seat.client.is_closed() && seat.next_connect > now + connect_again_after) {
        seat.next_connect = now + connect_again_after;
    }
}

void serve(Seat& seat, const Options& options, const Address& address, Clock::time_point now) {
    keep_connected(seat, address, now);
    if (now >= seat.next_measure) {
        const double elapsed_s = std::chrono::duration<double>(options.interval).count();
        for (const auto& message : seat.device.measure(elapsed_s)) seat.client.publish(message, instant(now));
        seat.next_measure += options.interval;
        if (seat.next_measure <= now) seat.next_measure = now + options.interval;  // the machine slept
    }
    if (seat.client.next_deadline() <= instant(now)) seat.client.on_time(instant(now));
}

/// Waits for the next thing to do. false: a stop signal came.
bool wait(std::vector<std::unique_ptr<Seat>>& seats, int stop_fd, Clock::time_point until) {
    std::vector<pollfd> places;
    for (const auto& seat : seats) places.push_back({seat->client.fd(), seat->client.events(), 0});
    places.push_back({stop_fd, POLLIN, 0});
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    poll(places.data(), places.size(), left < 0 ? 0 : static_cast<int>(left));
    for (std::size_t i = 0; i < seats.size(); ++i) {
        if (places[i].revents != 0) seats[i]->client.on_ready(places[i].revents, instant(Clock::now()));
    }
    return places.back().revents == 0;
}

void run(const Options& options, const Address& address, int stop_fd) {
    std::vector<std::unique_ptr<Seat>> seats;
    for (auto& device : demo_plant()) seats.push_back(std::make_unique<Seat>(std::move(device)));
    auto start = Clock::now();
    for (auto& seat : seats) seat->next_measure = start += options.interval / seats.size();  // spread over the interval
    for (;;) {
        std::fflush(stdout);
        const auto now = Clock::now();
        auto next = now + connect_again_after;
        for (auto& seat : seats) {
            serve(*seat, options, address, now);
            next = std::min({next, seat->next_measure, std::max(time_point(seat->client.next_deadline()), now)});
            if (!seat->client.is_connected()) next = std::min(next, std::max(seat->next_connect, now));
        }
        if (!wait(seats, stop_fd, next)) break;
    }
    for (auto& seat : seats) seat->client.leave(instant(Clock::now()));
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
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
