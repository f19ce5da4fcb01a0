// The rate of a user, from one of his connections' point of view; broker/user_rates_test has them together.
#include "ledge/session/user_rate.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "ledge/session/limits.hpp"
#include "ledge/session/read_rate.hpp"

using namespace ledge;
using namespace ledge::session;

namespace {

constexpr Instant began{};

SessionLimits user_messages(std::uint32_t per_second, std::uint32_t burst = 0) {
    SessionLimits limits;
    limits.user_messages_per_second = per_second;
    limits.user_messages_burst = burst;
    return limits;
}

}  // namespace

TEST_CASE("a rate of the user makes a connection one that is read at a rate") {
    CHECK_FALSE(ReadRate::is_wanted({}));
    CHECK(ReadRate::is_wanted(user_messages(1)));
    CHECK(ReadRate::read_bytes_max(user_messages(10)) == 4096);
    SessionLimits limits;
    limits.user_bytes_per_second = 10'000;
    CHECK(ReadRate::is_wanted(limits));
    CHECK(ReadRate::read_bytes_max(limits) == 10'000);
    limits.bytes_per_second = 1;
    CHECK(ReadRate::read_bytes_max(limits) == 512);
}

TEST_CASE("a connection whose user is not known is held up by nobody") {
    const SessionLimits limits = user_messages(1);
    ReadRate rate(limits, began);
    CHECK_FALSE(rate.has_user());
    CHECK(rate.may_take_packet());
    CHECK(rate.may_read());
    CHECK(rate.ready_at() <= began);
}

TEST_CASE("who comes later stands in line behind those that wait; who goes leaves it") {
    const SessionLimits limits = user_messages(10, 1);
    UserRate user(limits, began);
    auto first = std::make_unique<ReadRate>(limits, began);
    ReadRate second(limits, began);
    first->join(user);
    second.join(user);
    CHECK(user.connections() == 2);
    user.take(1, 0);
    CHECK(first->pause(began));
    CHECK(first->is_waiting_for_user());
    CHECK_FALSE(first->may_resume());
    const Instant later = began + 200ms;
    second.refill(later);
    CHECK(user.is_ready());
    CHECK_FALSE(second.may_take_packet());
    CHECK_FALSE(second.pause(later));  // of the same episode
    CHECK(first->may_resume());
    first->resume();
    CHECK(first->may_take_packet());  // it is its turn
    first->end_turn();
    CHECK_FALSE(first->may_take_packet());
    first->pause(later);
    first.reset();
    CHECK(user.connections() == 1);
    CHECK(second.may_resume());
    second.resume();
    second.end_turn();
    CHECK(second.may_take_packet());
    CHECK_FALSE(user.is_awaited());
}

TEST_CASE("who is held up by its own rate does not wait for the user") {
    SessionLimits limits = user_messages(10);
    limits.messages_per_second = 1;
    UserRate user(limits, began);
    ReadRate rate(limits, began);
    rate.join(user);
    rate.charge_messages(1);
    rate.charge_user(1, 10);
    CHECK_FALSE(rate.may_read());
    rate.pause(began);
    CHECK_FALSE(user.is_awaited());
    user.take(9, 0);
    CHECK_FALSE(rate.may_resume());
    CHECK_FALSE(user.is_awaited());
    rate.refill(began + 1s);
    user.take(10, 0);
    CHECK_FALSE(rate.may_resume());
    CHECK(user.is_awaited());
}

TEST_CASE(
    "the smallest values hold of the listeners it is connected through; a burst of none is what a second brings") {
    const SessionLimits wide = user_messages(100, 500);
    const SessionLimits narrow = user_messages(20);
    SessionLimits other;
    other.user_bytes_per_second = 1000;
    other.user_messages_burst = 1;  // without a rate
    UserRate user(wide, began);
    user.join(wide);
    user.join(other);
    user.take(500, 0);
    CHECK(user.full_at() == began + 5s);
    user.join(narrow);
    user.join(narrow);
    CHECK(user.full_at() == began + 1s);
    user.leave(narrow);
    CHECK(user.full_at() == began + 1s);
    user.leave(narrow);
    CHECK(user.full_at() == began + 5s);
    user.leave(wide);
    user.leave(other);
    CHECK(user.connections() == 0);
}
