#include "ledge/transport/worker_pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <utility>

using namespace ledge::transport;

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

}  // namespace

TEST_CASE("jobs run on a worker and are reported on the loop's thread, in order with one worker") {
    Counts counts;
    auto poller = std::move(*Poller::create());
    auto pool = std::move(*WorkerPool::create(*poller, 1));
    constexpr int jobs = 200;
    for (int i = 0; i < jobs; ++i) pool->submit(std::make_unique<Count>(counts, i));
    for (int i = 0; i < 1000 && counts.done < jobs; ++i) poller->poll(100);
    REQUIRE(counts.done == jobs);
    CHECK(counts.destroyed == jobs);
    for (int i = 0; i < jobs; ++i) CHECK(counts.order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("two workers share the jobs; none is lost") {
    Counts counts;
    auto poller = std::move(*Poller::create());
    auto pool = std::move(*WorkerPool::create(*poller, 2));
    for (int i = 0; i < 500; ++i) {
        pool->submit(std::make_unique<Count>(counts, i));
        poller->poll(0);
    }
    for (int i = 0; i < 1000 && counts.done < 500; ++i) poller->poll(100);
    CHECK(counts.done == 500);
}

TEST_CASE("the end drops what waits, without reports, and leaves nothing behind") {
    Counts counts;
    auto poller = std::move(*Poller::create());
    {
        auto pool = std::move(*WorkerPool::create(*poller, 1));
        for (int i = 0; i < 100; ++i) pool->submit(std::make_unique<Count>(counts, i));
    }
    CHECK(counts.destroyed == 100);
    CHECK(counts.done == 0);
    CHECK(poller->poll(0) == 0);
}
