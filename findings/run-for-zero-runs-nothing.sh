#!/usr/bin/env bash
# What Boost.Asio runs when the time given to run_for or run_until is zero or has passed, and a handler is ready.
#
# Versions: Boost 1.81.0 (libboost1.81-dev, Debian 12), g++ 12.
#
# A good guess: run_one_for(0) is another way to write poll_one(): it takes what is ready and does not wait. So it is
# with epoll_wait, and in the standard library with a future, a semaphore and a condition variable with a predicate:
# each looks once before it regards the clock. The documentation says how long the function blocks, no more.
# Seen: run_one_for, run_for, run_one_until and run_until regard the clock first. With zero, or a time that has passed,
# they look neither at the ready handlers nor at the sockets and return 0, however often they are called; poll_one()
# runs one.
#   Without any work, poll_one() stops the context (stopped() is true), and run_one_for(0) does not.
#   A loop with a fixed beat, `next += 5 ms; work(); context.run_until(next)`, whose work takes 6 ms, never reads its
#   socket: it is not slow, it is deaf, and a peer sees a connection that is open and silent.
# A loop that may be late needs poll() beside run_until().
#
# Wants g++ and libboost1.81-dev. Nothing leaves the process; everything is in a temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/main.cpp" <<'END'
#include <boost/asio.hpp>
#include <array>
#include <chrono>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <semaphore>
#include <sys/epoll.h>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// How often a loop with a beat of 5 ms, whose own work takes 6 ms, reads its socket in 100 beats.
template <typename Extra> int reads_of_a_late_loop(Extra extra) {
    asio::io_context context;
    asio::local::stream_protocol::socket here(context), there(context);
    asio::local::connect_pair(here, there);
    int reads = 0;
    std::array<char, 1> byte;
    asio::write(there, asio::buffer("x", 1));
    here.async_read_some(asio::buffer(byte), [&](auto, auto) { ++reads; });
    for (auto [beat, next] = std::pair(0, Clock::now()); beat < 100; ++beat) {
        next += 5ms;
        std::this_thread::sleep_for(6ms);
        context.run_until(next);
        extra(context);
    }
    return reads;
}

int main() {
    std::cout << "Boost " << BOOST_LIB_VERSION << '\n';
    asio::io_context context;
    asio::post(context, [] {});
    std::size_t count = 0;
    for (int n = 0; n < 1000; ++n)
        count += context.run_one_for(0s) + context.run_for(0s) + context.run_one_until(Clock::now()) +
                 context.run_until(Clock::now() - 1s) + context.run_one_for(-1s);
    std::cout << "zero or passed: " << count << '\n';
    std::cout << "poll_one: " << context.poll_one() << '\n';

    asio::io_context idle_run, idle_poll;
    idle_run.run_one_for(0s);
    idle_poll.poll_one();
    std::cout << "stopped without work: run_one_for " << idle_run.stopped() << " poll_one " << idle_poll.stopped()
              << '\n';

    std::cout << "late loop, run_until: " << reads_of_a_late_loop([](auto&) {}) << '\n';
    std::cout << "late loop, run_until and poll: " << reads_of_a_late_loop([](auto& late) { late.poll(); }) << '\n';

    // The guess: others look once before they regard the clock.
    std::promise<void> promise;
    promise.set_value();
    std::counting_semaphore<> semaphore(1);
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable condition;
    const int queue = epoll_create1(0);
    asio::local::stream_protocol::socket here(context), there(context);
    asio::local::connect_pair(here, there);
    asio::write(there, asio::buffer("x", 1));
    epoll_event event{.events = EPOLLIN, .data = {}};
    epoll_ctl(queue, EPOLL_CTL_ADD, here.native_handle(), &event);
    std::cout << "others: future " << (promise.get_future().wait_for(0s) == std::future_status::ready) << " semaphore "
              << semaphore.try_acquire_until(Clock::now() - 1s) << " condition "
              << condition.wait_until(lock, Clock::now() - 1s, [] { return true; }) << " epoll "
              << epoll_wait(queue, &event, 1, 0) << '\n';
}
END
g++ -std=c++20 -O0 -pthread -o "$work/main" "$work/main.cpp"
seen=$("$work/main")
echo "$seen"
diff - <(echo "$seen") <<'END' || { echo 'CHANGED'; exit 1; }
Boost 1_81
zero or passed: 0
poll_one: 1
stopped without work: run_one_for 0 poll_one 1
late loop, run_until: 0
late loop, run_until and poll: 1
others: future 1 semaphore 1 condition 1 epoll 1
END
echo 'as described'
