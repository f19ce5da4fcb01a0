#include "ledge/session/retained_feed.hpp"

#include <doctest/doctest.h>

namespace ledge::session {
namespace {

std::string order_of(RetainedFeed& feed) {
    std::string out;
    for (; !feed.empty(); feed.pop_front())
        if (!feed.front().filter.empty()) out += feed.front().filter + std::to_string(feed.front().as_of) + " ";
    return out;
}

TEST_CASE("a filter that is owed already starts anew in its place, whatever was found for it is forgotten") {
    RetainedFeed feed(1);
    feed.put({.filter = "a", .as_of = 1});
    feed.put({.filter = "b", .as_of = 2});
    feed.topics = {7, 8};
    feed.next = 1;
    feed.put({.filter = "b", .as_of = 3});
    CHECK(feed.topics.size() == 2);  // those of "a"
    feed.front().position = 100;
    feed.put({.filter = "a", .as_of = 4});
    CHECK(feed.topics.empty());
    CHECK(feed.front().position == 0);
    CHECK(order_of(feed) == "a4 b3 ");
}

TEST_CASE("what is forgotten is owed no more, and subscribing and unsubscribing for ever keeps nothing") {
    RetainedFeed feed(1);
    feed.put({.filter = "a", .as_of = 1});
    feed.put({.filter = "b", .as_of = 2});
    feed.topics = {7};
    feed.forget("c");
    CHECK(feed.topics.size() == 1);
    feed.forget("a");
    CHECK(feed.topics.empty());
    std::size_t batches = 0;
    for (int i = 0; i < 1000; ++i) {
        feed.put({.filter = "x" + std::to_string(i), .as_of = 9});
        feed.forget("x" + std::to_string(i));
    }
    feed.put({.filter = "c", .as_of = 3});
    for (; !feed.empty(); feed.pop_front()) ++batches;
    CHECK(batches < 40);
}

TEST_CASE("forgetting the many leaves the others in their order") {
    RetainedFeed feed(1);
    for (int i = 0; i < 100; ++i)
        feed.put({.filter = "f" + std::to_string(i) + "=", .as_of = static_cast<std::uint64_t>(i)});
    for (int i = 0; i < 100; ++i)
        if (i % 30 != 7) feed.forget("f" + std::to_string(i) + "=");
    CHECK(order_of(feed) == "f7=7 f37=37 f67=67 f97=97 ");
}

}  // namespace
}  // namespace ledge::session
