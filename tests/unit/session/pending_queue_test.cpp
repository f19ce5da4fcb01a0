#include "ledge/session/pending_queue.hpp"

#include <deque>

#include "ledge/base/rng.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

SessionLimits limits_of(std::uint32_t messages, std::uint64_t bytes) {
    SessionLimits limits;
    limits.queue_messages_max = messages;
    limits.queue_bytes_max = bytes;
    return limits;
}

TEST_CASE("first in, first out, with the bytes of what waits") {
    PendingQueue queue;
    CHECK(queue.empty());
    queue.push(delivery("a/b", "123", qos1));
    queue.push(delivery("c", "45", qos2));
    CHECK(queue.size() == 2);
    CHECK(queue.bytes() == 9);
    CHECK(queue.front().publication.view().topic == "a/b");
    CHECK(queue.pop().publication.view().topic == "a/b");
    CHECK(queue.bytes() == 3);
    CHECK(queue.pop().qos == qos2);
    CHECK(queue.bytes() == 0);
    CHECK(queue.empty());
}

TEST_CASE("it fits up to the limit in messages and up to the limit in bytes, inclusive") {
    PendingQueue queue;
    CHECK(queue.fits(10, limits_of(1, 10)));
    CHECK_FALSE(queue.fits(11, limits_of(1, 10)));
    CHECK_FALSE(queue.fits(0, limits_of(0, 10)));
    queue.push(delivery("a", "123", qos1));
    CHECK_FALSE(queue.fits(1, limits_of(1, 100)));
    CHECK(queue.fits(6, limits_of(2, 10)));
    CHECK_FALSE(queue.fits(7, limits_of(2, 10)));
}

TEST_CASE("a seeded run agrees with a deque, and the publications live as long as they wait") {
    Rng rng(5);
    PendingQueue queue;
    std::deque<Delivery> model;
    std::uint64_t bytes = 0;
    for (int step = 0; step < 20'000; ++step) {
        if (rng.below(100) < (step / 2000 % 2 == 0 ? 60U : 40U)) {
            Delivery one = delivery("t", std::string(rng.below(50), 'x'), qos1);
            bytes += one.publication.bytes();
            model.push_back(one);
            queue.push(std::move(one));
        } else if (!model.empty()) {
            const Delivery popped = queue.pop();
            REQUIRE(popped.publication.blob().data() == model.front().publication.blob().data());
            REQUIRE(popped.publication.blob().references() == 2);
            bytes -= popped.publication.bytes();
            model.pop_front();
        }
        if (rng.one_in(500)) queue.shrink();
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.bytes() == bytes);
    }
}

}  // namespace
}  // namespace ledge::session
