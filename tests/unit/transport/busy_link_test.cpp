// Links that take what they are given into their own hands and say later that it is gone, as WebSockets do.
#include <doctest/doctest.h>

#include "rig.hpp"

namespace ledge::transport {
namespace {

/// Takes all that is owed at once, then nothing until it is told so.
class BusyLink final : public Link {
public:
    struct Story {
        std::vector<std::string> writes;
        int finished = 0;
        int closed = 0;
    };

    explicit BusyLink(Story& story) : story_(story) {}

    void hand_over() { is_busy_ = false; }

private:
    Wrote write(session::Outbox& outbox) override {
        if (is_busy_) return Wrote::part;
        if (outbox.empty()) return Wrote::all;
        std::array<Bytes, 1> front;
        outbox.gather(front);
        story_.writes.emplace_back(as_text(front[0]));
        outbox.consume(front[0].size());
        is_busy_ = true;
        return Wrote::part;
    }
    void set_reading(bool) override {}
    void ask_writable() override {}
    void finish() override { ++story_.finished; }
    void close() noexcept override { ++story_.closed; }

    Story& story_;
    bool is_busy_ = false;
};

struct BusyRig : Rig {
    BusyRig() {
        auto made = std::make_unique<BusyLink>(story);
        link = made.get();
        REQUIRE(driver.adopt(std::move(made), broker::Peer{0, "busy"}));
        connection = core.open.front();
    }

    BusyLink::Story story;
    BusyLink* link = nullptr;
    session::Connection* connection = nullptr;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what comes while a link is busy leaves together at the end of the turn in which it is done") {
    BusyRig rig;
    broker::say(*rig.connection, "one");
    rig.turn();
    broker::say(*rig.connection, "two ");
    rig.turn();
    CHECK(rig.story.writes == Texts{"one"});
    rig.link->hand_over();
    rig.driver.writable_soon(*rig.link);
    CHECK(rig.story.writes == Texts{"one"});  // not before the end of the turn
    broker::say(*rig.connection, "three");
    rig.turn();
    CHECK(rig.story.writes == Texts{"one", "two three"});
}

TEST_CASE("a link that has the last bytes in its hands is not finished before they are gone") {
    BusyRig rig;
    broker::say(*rig.connection, "farewell");
    rig.turn();
    rig.connection->close_silently();
    rig.connection->mark_dirty();
    rig.turn();
    CHECK(rig.story.finished == 0);
    rig.link->hand_over();
    rig.driver.writable_soon(*rig.link);
    rig.turn();
    CHECK(rig.story.finished == 1);
    CHECK(rig.core.closed == 1);
    rig.advance(1s);
    rig.driver.on_time();
    CHECK(rig.story.closed == 1);
}

TEST_CASE("last bytes that stay in a link's hands are given up after five seconds") {
    BusyRig rig;
    broker::say(*rig.connection, "farewell");
    rig.turn();
    rig.connection->close_silently();
    rig.connection->mark_dirty();
    rig.turn();
    rig.advance(5s);
    rig.driver.on_time();
    CHECK(rig.story.closed == 1);
    CHECK(rig.core.closed == 1);
}

TEST_CASE("a peer that has ended takes its connection along; its link lingers until it is lost, or time") {
    BusyRig rig;
    rig.driver.ended(*rig.link);
    rig.driver.ended(*rig.link);
    CHECK(rig.core.closed == 1);
    CHECK(rig.story.finished == 0);  // the link has done that itself
    CHECK(rig.driver.link_count() == 1);
    rig.advance(1s);
    rig.driver.on_time();
    CHECK(rig.story.closed == 1);
    CHECK(rig.driver.link_count() == 0);
}

TEST_CASE("a link that dies in the turn in which it wanted to be written is left alone") {
    BusyRig rig;
    broker::say(*rig.connection, "one");
    rig.turn();
    rig.driver.writable_soon(*rig.link);
    rig.driver.lost(*rig.link);
    rig.turn();
    CHECK(rig.story.writes == Texts{"one"});
    CHECK(rig.core.closed == 1);
}

}  // namespace ledge::transport
