#include "ledge/os/worker_pool.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include "posted_calls.hpp"

namespace ledge::os {
namespace {

struct Counts {
    std::atomic<int> ran{0};
    std::atomic<int> destroyed{0};
    int done = 0;
    std::vector<int> order;
    std::thread::id loop = std::this_thread::get_id();
};

class Count final : public WorkerPool::Job {
public:
    Count(Counts& counts, int number) : counts_(counts), number_(number) {}
    ~Count() override { ++counts_.destroyed; }
    void run() override {
        CHECK(std::this_thread::get_id() != counts_.loop);
        ++counts_.ran;
    }
    void done() override {
        CHECK(std::this_thread::get_id() == counts_.loop);
        ++counts_.done;
        counts_.order.push_back(number_);
    }

private:
    Counts& counts_;
    int number_;
};

/// A job that calls functions.
class Call final : public WorkerPool::Job {
public:
    explicit Call(
        std::function<void()> run, std::function<void()> done = [] {})
        : run_(std::move(run)), done_(std::move(done)) {}
    void run() override { run_(); }
    void done() override { done_(); }

private:
    std::function<void()> run_;
    std::function<void()> done_;
};

TEST_CASE("jobs run on a worker and are reported on the loop's thread, in order with one worker") {
    Counts counts;
    PostedCalls calls;
    auto pool = std::move(*WorkerPool::create(calls.post(), {}));
    constexpr int jobs = 200;
    for (int i = 0; i < jobs; ++i) pool->submit(std::make_unique<Count>(counts, i));
    REQUIRE(calls.until([&] { return counts.done == jobs; }));
    CHECK(counts.destroyed == jobs);
    for (int i = 0; i < jobs; ++i) CHECK(counts.order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("two workers share the jobs; none is lost") {
    Counts counts;
    PostedCalls calls;
    auto pool = std::move(*WorkerPool::create(calls.post(), {.threads = 2}));
    for (int i = 0; i < 500; ++i) {
        pool->submit(std::make_unique<Count>(counts, i));
        calls.run();
    }
    CHECK(calls.until([&] { return counts.done == 500; }));
}

TEST_CASE("the end drops waiting jobs without reports, or runs them where that is asked for") {
    for (const bool runs_waiting : {false, true}) {
        Counts counts;
        PostedCalls calls;
        {
            auto pool = std::move(*WorkerPool::create(calls.post(), {.runs_waiting_at_end = runs_waiting}));
            for (int i = 0; i < 100; ++i) pool->submit(std::make_unique<Count>(counts, i));
        }
        calls.run();
        CHECK(counts.destroyed == 100);
        CHECK(counts.done == 0);
        if (runs_waiting) CHECK(counts.ran == 100);
    }
}

TEST_CASE("a job that hangs does not hold up the end of a pool that leaves it running") {
    Counts counts;
    PostedCalls calls;
    std::atomic<bool> has_begun{false};
    std::atomic<bool> is_released{false};
    std::atomic<bool> has_ended{false};
    {
        auto pool = std::move(*WorkerPool::create(calls.post(), {}));
        pool->submit(std::make_unique<Call>([&] {
            has_begun = true;
            has_begun.notify_all();
            is_released.wait(false);
            has_ended = true;
            has_ended.notify_all();
        }));
        pool->submit(std::make_unique<Count>(counts, 1));
        has_begun.wait(false);
        pool->leave_running();
    }
    CHECK(counts.destroyed == 1);
    CHECK(counts.ran == 0);
    is_released = true;
    is_released.notify_all();
    has_ended.wait(false);
    CHECK(calls.run() == 0);
}

TEST_CASE("the report of a job may end the pool") {
    PostedCalls calls;
    bool is_done = false;
    auto pool = std::move(*WorkerPool::create(calls.post(), {}));
    pool->submit(std::make_unique<Call>([] {},
                                        [&] {
                                            pool.reset();
                                            is_done = true;
                                        }));
    CHECK(calls.until([&] { return is_done; }));
}

TEST_CASE("a worker has its name and its niceness, and takes no signals") {
    PostedCalls calls;
    auto pool = std::move(*WorkerPool::create(calls.post(), {.name = "tester", .niceness = 19}));
    bool is_done = false;
    std::string name(16, '\0');
    int niceness = 0;
    bool is_blocked = false;
    const auto look = [&] {
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
        niceness = ::getpriority(PRIO_PROCESS, 0);
        sigset_t mask;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        is_blocked = sigismember(&mask, SIGTERM) == 1;
    };
    pool->submit(std::make_unique<Call>(look, [&] { is_done = true; }));
    REQUIRE(calls.until([&] { return is_done; }));
    CHECK(name.c_str() == std::string("tester"));
    CHECK(niceness == 19);
    CHECK(is_blocked);
    sigset_t mine;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGTERM) == 0);
}

}  // namespace
}  // namespace ledge::os
