#include "ledge/base/timer_wheel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "ledge/base/rng.hpp"

using namespace ledge;

namespace {

constexpr Instant start{Duration(1'234'567)};

std::vector<Timer*> pop_all(TimerWheel& wheel, Instant now) {
    std::vector<Timer*> popped;
    while (Timer* timer = wheel.pop_due(now)) popped.push_back(timer);
    return popped;
}

/// A wheel and a reference that remembers for each timer the tick it must fire on and looks at every one of them.
class World {
public:
    World(std::uint64_t seed, std::size_t count) : rng_(seed), timers_(count), fires_on_(count), wheel_(start) {}

    void random_step() {
        const std::uint64_t what = rng_.below(10);
        const std::size_t index = rng_.below(timers_.size());
        if (what < 6) {
            set(index, now_ + random_distance() - 2s);
        } else if (what < 7) {
            timers_[index].cancel();
        } else {
            pass(what == 9 ? wheel_.next_deadline() : now_ + random_distance());
        }
    }

    void drain() {
        while (wheel_.next_deadline() != never) pass(wheel_.next_deadline());
        CHECK(wheel_.size() == 0);
        CHECK(std::none_of(timers_.begin(), timers_.end(), [](const Timer& timer) { return timer.is_set(); }));
    }

private:
    void set(std::size_t index, Instant deadline) {
        wheel_.set(timers_[index], deadline);
        const std::int64_t exact = std::max<std::int64_t>(0, (deadline - start).count());
        const std::int64_t length = TimerWheel::tick.count();
        fires_on_[index] = std::max((exact + length - 1) / length, tick_at(now_));
    }

    static std::int64_t tick_at(Instant time) { return (time - start) / TimerWheel::tick; }

    /// From microseconds to years, every magnitude as often as the others.
    Duration random_distance() { return Duration(static_cast<std::int64_t>(rng_.next() >> (17 + rng_.below(47)))); }

    void pass(Instant to) {
        if (to == never) return;
        now_ = std::max(now_, to);
        std::vector<std::int64_t> expected;
        for (std::size_t i = 0; i < timers_.size(); ++i) {
            if (!timers_[i].is_set()) continue;
            CHECK(tick_at(wheel_.next_deadline()) <= fires_on_[i]);
            if (fires_on_[i] <= tick_at(now_)) expected.push_back(fires_on_[i]);
        }
        std::sort(expected.begin(), expected.end());

        std::vector<std::int64_t> popped;
        for (const Timer* timer : pop_all(wheel_, now_)) {
            CHECK_FALSE(timer->is_set());
            CHECK(timer->deadline() <= now_);  // never early
            const auto found =
                std::find_if(timers_.begin(), timers_.end(), [&](const Timer& t) { return &t == timer; });
            popped.push_back(fires_on_[static_cast<std::size_t>(found - timers_.begin())]);
        }
        CHECK(popped == expected);
        CHECK(wheel_.next_deadline() > now_);
    }

    Rng rng_;
    std::deque<Timer> timers_;
    std::vector<std::int64_t> fires_on_;
    TimerWheel wheel_;
    Instant now_ = start;
};

}  // namespace

TEST_CASE("an empty wheel asks for nothing") {
    TimerWheel wheel(start);
    CHECK(wheel.size() == 0);
    CHECK(wheel.next_deadline() == never);
    CHECK(wheel.pop_due(start + 365 * 24h) == nullptr);
}

TEST_CASE("a timer fires at the first tick that is not before its deadline") {
    TimerWheel wheel(start);
    Timer timer;
    wheel.set(timer, start + 1201ms);
    CHECK(timer.is_set());
    CHECK(wheel.next_deadline() == start + 1500ms);
    CHECK(wheel.pop_due(start + 1499ms) == nullptr);
    CHECK(wheel.pop_due(start + 1500ms) == &timer);
    CHECK_FALSE(timer.is_set());
    CHECK(wheel.next_deadline() == never);
}

TEST_CASE("a deadline on a tick fires on that tick") {
    TimerWheel wheel(start);
    Timer timer;
    for (const Duration distance : {Duration(500ms), Duration(32s), Duration(2048s), Duration(131'072s)}) {
        wheel.set(timer, start + distance);
        CHECK(wheel.next_deadline() == start + distance);
    }
    CHECK(wheel.pop_due(start + 131'072s - 1us) == nullptr);
    CHECK(wheel.pop_due(start + 131'072s) == &timer);
}

TEST_CASE("a deadline in the past fires at the next pop") {
    TimerWheel wheel(start);
    Timer timer;
    CHECK(wheel.pop_due(start + 10s) == nullptr);
    wheel.set(timer, start + 3s);
    CHECK(wheel.next_deadline() <= start + 10s);
    CHECK(wheel.pop_due(start + 10s) == &timer);
    wheel.set(timer, Instant::min());
    CHECK(wheel.pop_due(start + 10s) == &timer);
}

TEST_CASE("never leaves a timer unset") {
    TimerWheel wheel(start);
    Timer timer;
    wheel.set(timer, start + 1s);
    wheel.set(timer, never);
    CHECK_FALSE(timer.is_set());
    CHECK(wheel.size() == 0);
    CHECK(wheel.next_deadline() == never);
}

TEST_CASE("the farthest deadlines are held, whatever the origin of time") {
    for (const Instant origin : {Instant::min(), Instant(Duration(0)), Instant(Duration(1) + 24h)}) {
        TimerWheel wheel(origin);
        Timer far;
        Timer farther;
        wheel.set(far, Instant(Duration(0)) + 24h * 365 * 1000);
        wheel.set(farther, never - 1us);
        CHECK(wheel.next_deadline() >= far.deadline());
        CHECK(wheel.next_deadline() < far.deadline() + TimerWheel::tick);
        CHECK(wheel.pop_due(far.deadline() - 1us) == nullptr);
        CHECK(wheel.pop_due(far.deadline() + TimerWheel::tick) == &far);
        CHECK(farther.is_set());
        CHECK(wheel.pop_due(never - 1us) == nullptr);  // its tick would be after the end of time
    }
}

TEST_CASE("time that goes backwards changes nothing") {
    TimerWheel wheel(start);
    Timer timer;
    wheel.set(timer, start + 60s);
    CHECK(wheel.pop_due(start + 59s) == nullptr);
    CHECK(wheel.pop_due(start + 1s) == nullptr);
    CHECK(wheel.pop_due(start - 1h) == nullptr);
    CHECK(wheel.next_deadline() == start + 60s);
    CHECK(wheel.pop_due(start + 60s) == &timer);
}

TEST_CASE("a timer may be set again while due timers are popped") {
    TimerWheel wheel(start);
    Timer timer;
    wheel.set(timer, start + 1s);
    int fired = 0;
    while (Timer* due = wheel.pop_due(start + 10s)) {
        ++fired;
        wheel.set(*due, due->deadline() + 1s);
    }
    CHECK(fired == 10);
    CHECK(wheel.next_deadline() == start + 11s);
}

TEST_CASE("a due timer that is cancelled while others are popped does not fire") {
    TimerWheel wheel(start);
    Timer a;
    Timer b;
    Timer c;
    for (Timer* timer : {&a, &b, &c}) wheel.set(*timer, start + 1s);
    Timer* first = wheel.pop_due(start + 1s);
    REQUIRE(first != nullptr);
    Timer& other = first == &a ? b : a;
    other.cancel();
    other.cancel();
    Timer* last = wheel.pop_due(start + 1s);
    CHECK(last != nullptr);
    CHECK(last != first);
    CHECK(last != &other);
    CHECK(wheel.pop_due(start + 1s) == nullptr);
    CHECK(wheel.size() == 0);
}

TEST_CASE("timers of an earlier tick come first, even when all are late") {
    TimerWheel wheel(start);
    std::deque<Timer> timers(100);
    for (std::size_t i = 0; i < timers.size(); ++i)
        wheel.set(timers[(i * 37) % 100], start + 7s * (1 + (i * 37) % 100));
    const std::vector<Timer*> popped = pop_all(wheel, start + 1h);
    REQUIRE(popped.size() == timers.size());
    for (std::size_t i = 0; i < timers.size(); ++i) CHECK(popped[i] == &timers[i]);
}

TEST_CASE("a timer that is destroyed leaves the wheel, and a wheel that is destroyed leaves its timers") {
    Timer survivor;
    {
        TimerWheel wheel(start);
        wheel.set(survivor, start + 1h);
        {
            Timer dies;
            wheel.set(dies, start + 1s);
            CHECK(wheel.size() == 2);
        }
        CHECK(wheel.size() == 1);
        CHECK(wheel.next_deadline() == start + 1h);
    }
    CHECK_FALSE(survivor.is_set());
    survivor.cancel();
}

TEST_CASE("a timer moves between wheels") {
    TimerWheel one(start);
    TimerWheel other(start);
    Timer timer;
    one.set(timer, start + 1s);
    other.set(timer, start + 2s);
    CHECK(one.size() == 0);
    CHECK(other.size() == 1);
    CHECK(one.pop_due(start + 5s) == nullptr);
    CHECK(other.pop_due(start + 5s) == &timer);
}

TEST_CASE("a thousand idle clients wake the loop only when one is due") {
    TimerWheel wheel(start);
    std::deque<Timer> timers(1000);
    Rng rng(7);
    for (Timer& timer : timers)
        wheel.set(timer, start + 60s + Duration(static_cast<std::int64_t>(rng.below(30'000'000))));
    std::size_t wakes = 0;
    std::size_t vain = 0;
    Instant now = start;
    while (now < start + 1h) {
        now = wheel.next_deadline();
        ++wakes;
        const auto popped = pop_all(wheel, now);
        if (popped.empty()) ++vain;
        for (Timer* timer : popped) wheel.set(*timer, now + 90s);
    }
    CHECK(vain == 0);
    CHECK(wakes <= 2 * 3600);
}

TEST_CASE("after a cancelled timer the wheel asks at most once in vain") {
    TimerWheel wheel(start);
    Timer earlier;
    Timer later;
    wheel.set(earlier, start + 40s);
    wheel.set(later, start + 50s);
    earlier.cancel();
    int vain = 0;
    for (Instant now = wheel.next_deadline(); wheel.size() > 0; now = wheel.next_deadline()) {
        if (wheel.pop_due(now) == nullptr) ++vain;
    }
    CHECK(vain <= 1);
}

TEST_CASE("a wheel is small") { CHECK(sizeof(TimerWheel) <= 10 * 1024); }

TEST_CASE("random sets, cancels and jumps agree with a search through all timers") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        World world(seed, 1 + seed * 3);
        for (int step = 0; step < 300; ++step) world.random_step();
        world.drain();
    }
}
