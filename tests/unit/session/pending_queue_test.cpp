#include "ledge/session/pending_queue.hpp"

#include <deque>

#include "ledge/base/rng.hpp"
#include "ledge/session/limits.hpp"
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
    CHECK(queue.fits(10, false, limits_of(1, 10)));
    CHECK(queue.fits(11, false, limits_of(1, 10)));  // one message always does, however large
    CHECK_FALSE(queue.fits(0, false, limits_of(0, 10)));
    queue.push(delivery("a", "123", qos1));
    CHECK_FALSE(queue.fits(1, false, limits_of(1, 100)));
    CHECK(queue.fits(6, false, limits_of(2, 10)));
    CHECK_FALSE(queue.fits(7, false, limits_of(2, 10)));
}

TEST_CASE("the tail in the store has limits of its own, and begins where the window ends") {
    SessionLimits limits = limits_of(1, 10);
    limits.queue_stored_messages_max = 4;
    limits.queue_stored_bytes_max = 20;
    limits.queue_window_messages = 2;
    limits.queue_window_bytes = 12;
    PendingQueue queue;
    CHECK_FALSE(queue.goes_to_tail(4, limits));
    queue.push(delivery("a", "123", qos1));
    CHECK_FALSE(queue.goes_to_tail(8, limits));
    CHECK(queue.goes_to_tail(9, limits));
    queue.push(delivery("a", "123", qos1));
    CHECK(queue.goes_to_tail(0, limits));
    CHECK(queue.fits(12, true, limits));
    CHECK_FALSE(queue.fits(13, true, limits));
    queue.push_stored(QueueRow(70), 4);
    queue.push_stored(QueueRow(75), 4);
    CHECK(queue.stored_from() == QueueRow(70));
    CHECK(queue.size() == 4);
    CHECK(queue.bytes() == 16);
    CHECK_FALSE(queue.fits(1, true, limits));
    queue.pop();
    queue.pop();
    CHECK_FALSE(queue.has_loaded());
    CHECK_FALSE(queue.empty());
    CHECK(queue.goes_to_tail(1, limits));  // behind what waits there
    queue.take_stored(QueueRow(70), 4);
    CHECK(queue.stored_from() == QueueRow(71));
    CHECK(queue.stored_rows() == 1);
    queue.take_stored(QueueRow(75), 4);
    CHECK(queue.empty());
    CHECK(queue.bytes() == 0);
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
            model.push_back(copy_of(one));
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
