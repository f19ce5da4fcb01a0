#include "ledge/runtime/memory.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>

using namespace ledge::runtime;

TEST_CASE("half of the machine, three quarters of the control group, what is less") {
    CHECK(usual_memory_budget(1000, "") == 500);
    CHECK(usual_memory_budget(1000, "max\n") == 500);
    CHECK(usual_memory_budget(1000, "400\n") == 300);
    CHECK(usual_memory_budget(1000, "4000\n") == 500);
    CHECK(usual_memory_budget(0, "400\n") == 300);
    CHECK(usual_memory_budget(0, "max") == 0);
    CHECK(usual_memory_budget() > 0);
}

TEST_CASE("what is resident grows with what is used") {
    constexpr std::size_t size = 32 * 1024 * 1024;
    const std::uint64_t before = resident_bytes();
    CHECK(before > 100'000);
    const auto block = std::make_unique<char[]>(size);
    std::memset(block.get(), 1, size);
    CHECK(resident_bytes() >= before + size / 2);
    CHECK(block[size - 1] == 1);
}
