#include "ledge/session/memory_budget.hpp"

#include <doctest/doctest.h>

namespace ledge::session {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

TEST_CASE("without a budget there is no pressure, whatever is held") {
    MemoryBudget memory;
    memory.add(MemoryKind::queues, 1'000'000 * mib);
    CHECK_FALSE(memory.must_judge());
    CHECK(memory.judge(1) == Pressure::none);
    CHECK(memory.outbox_bytes_max(7 * mib) == 7 * mib);
}

TEST_CASE("each kind has its own sum, messages are what is left, and all kinds together are the use") {
    MemoryBudget memory(1000 * mib);
    memory.add(MemoryKind::sessions, 500);
    memory.add(MemoryKind::queues, 300);
    memory.remove(MemoryKind::sessions, 200);
    *memory.account() += 70 + 4096;  // a message of 70 bytes, and a buffer of the pool
    memory.note_anonymous_memory(10'000);
    const MemoryByKind kinds = memory.by_kind(4096);
    const auto of = [&kinds](MemoryKind kind) { return kinds[static_cast<std::size_t>(kind)]; };
    CHECK(of(MemoryKind::connections) == 0);
    CHECK(of(MemoryKind::sessions) == 300);
    CHECK(of(MemoryKind::queues) == 300);
    CHECK(of(MemoryKind::outboxes) == 4096);
    CHECK(of(MemoryKind::messages) == 70);
    CHECK(of(MemoryKind::elsewhere) == 10'000 - memory.held());
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : kinds) sum += bytes;
    CHECK(sum == memory.used());
}

TEST_CASE("the steps come in order, and end below where they began") {
    MemoryBudget memory(100 * mib);
    const auto at = [&](std::uint64_t held) {
        memory.remove(MemoryKind::queues, memory.held());
        memory.add(MemoryKind::queues, held * mib);
        const bool must_judge = memory.must_judge();
        const Pressure before = memory.pressure();
        memory.note_anonymous_memory(held * mib);
        const Pressure after = memory.judge(10);
        CHECK((after <= before || must_judge));  // nobody else would have looked
        return after;
    };
    CHECK(at(59) == Pressure::none);
    CHECK(at(61) == Pressure::slow_readers);
    CHECK_FALSE(memory.is_tight());
    CHECK(at(56) == Pressure::slow_readers);
    CHECK(at(71) == Pressure::new_clients);
    CHECK(memory.is_tight());
    CHECK(memory.excess() == 0);
    CHECK(at(81) == Pressure::slowest);
    CHECK(memory.refuses_to_keep());
    CHECK(memory.excess() == 81 * mib - 100 * mib / 100 * MemoryBudget::slowest_end_percent);
    CHECK(at(78) == Pressure::slowest);
    CHECK(memory.excess() == 0);
    CHECK(at(74) == Pressure::new_clients);
    CHECK(at(54) == Pressure::none);
    CHECK(at(95) == Pressure::slowest);  // all at once
    CHECK(at(0) == Pressure::none);
}

TEST_CASE("what is measured beyond what is held counts until the next measurement") {
    MemoryBudget memory(100 * mib);
    memory.add(MemoryKind::queues, 20 * mib);
    memory.note_anonymous_memory(55 * mib);
    CHECK(memory.judge(1) == Pressure::none);
    CHECK(memory.used() == 55 * mib);
    memory.add(MemoryKind::queues, 2 * mib);  // counts for three: the allocator's gaps
    CHECK(memory.used() == 58 * mib);
    CHECK_FALSE(memory.must_judge());
    memory.add(MemoryKind::queues, 2 * mib);
    CHECK(memory.must_judge());
    CHECK(memory.judge(1) == Pressure::slow_readers);
    memory.note_anonymous_memory(10 * mib);  // less than is held: not everything has been touched
    CHECK(memory.used() == 24 * mib);
    CHECK(memory.judge(1) == Pressure::none);
}

TEST_CASE("under pressure each has its share of an eighth, within bounds") {
    MemoryBudget memory(100 * mib);
    memory.add(MemoryKind::queues, 75 * mib);
    memory.judge(100);
    CHECK(memory.outbox_bytes_max(mib) == 100 * mib / 8 / 100);
    CHECK(memory.outbox_bytes_max(1000) == 1000);
    memory.judge(1'000'000);
    CHECK(memory.outbox_bytes_max(mib) == MemoryBudget::share_bytes_min);
    memory.judge(0);
    CHECK(memory.outbox_bytes_max(mib) == MemoryBudget::share_bytes_max);
}

TEST_CASE("at the last step, nobody looks again before another hundredth has come") {
    MemoryBudget memory(100 * mib);
    memory.add(MemoryKind::queues, 95 * mib);
    memory.judge(1);
    CHECK_FALSE(memory.must_judge());
    memory.add(MemoryKind::queues, mib);
    CHECK(memory.must_judge());
    memory.judge(1);
    CHECK_FALSE(memory.must_judge());
}

}  // namespace
}  // namespace ledge::session
