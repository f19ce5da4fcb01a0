#include "ledge/session/retained_feed.hpp"

#include <doctest/doctest.h>

namespace ledge::session {
namespace {

RetainedFeed::Batch owed(std::string filter, std::uint64_t as_of) {
    RetainedFeed::Batch batch;
    batch.filter = std::move(filter);
    batch.progress.as_of = as_of;
    return batch;
}

std::string order_of(RetainedFeed& feed) {
    std::string out;
    for (; !feed.empty(); feed.pop_front())
        if (!feed.front().filter.empty())
            out += feed.front().filter + std::to_string(feed.front().progress.as_of) + " ";
    return out;
}

TEST_CASE("each filter has one place, in the order of the first SUBSCRIBE, and what its record says") {
    RetainedFeed feed(1);
    feed.add(owed("a", 1));
    feed.add(owed("b", 2));
    CHECK(feed.size() == 2);
    CHECK(feed.find("c") == nullptr);
    CHECK(feed.recorded("c") == journal::FeedProgress{});
    CHECK(feed.recorded("b") == journal::FeedProgress{});
    feed.find("b")->recorded = {2, 7, 1};
    CHECK(feed.recorded("b") == journal::FeedProgress{2, 7, 1});
    CHECK(&feed[1] == feed.find("b"));
    CHECK(order_of(feed) == "a1 b2 ");
}

TEST_CASE("what is forgotten is owed no more, and subscribing and unsubscribing for ever keeps nothing") {
    RetainedFeed feed(1);
    feed.add(owed("a", 1));
    feed.add(owed("b", 2));
    feed.topics = {7};
    feed.forget("c");
    CHECK(feed.topics.size() == 1);
    feed.forget("a");
    CHECK(feed.topics.empty());
    std::size_t batches = 0;
    for (int i = 0; i < 1000; ++i) {
        feed.add(owed("x" + std::to_string(i), 9));
        feed.forget("x" + std::to_string(i));
    }
    feed.add(owed("c", 3));
    for (; !feed.empty(); feed.pop_front()) ++batches;
    CHECK(batches < 40);
}

TEST_CASE("forgetting the many leaves the others in their order") {
    RetainedFeed feed(1);
    for (int i = 0; i < 100; ++i) feed.add(owed("f" + std::to_string(i) + "=", static_cast<std::uint64_t>(i)));
    for (int i = 0; i < 100; ++i)
        if (i % 30 != 7) feed.forget("f" + std::to_string(i) + "=");
    CHECK(order_of(feed) == "f7=7 f37=37 f67=67 f97=97 ");
}

}  // namespace
}  // namespace ledge::session
