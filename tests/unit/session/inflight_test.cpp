#include "ledge/session/inflight.hpp"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "ledge/base/rng.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

using Ids = std::vector<wire::PacketId>;

/// An in-flight window whose exchanges are opened with one packet id after the other.
struct Window : Inflight {
    wire::PacketId next = 1;
    bool has_room() const { return Inflight::has_room(next); }
    wire::PacketId open(Delivery delivery, bool is_sent) {
        const wire::PacketId id = std::exchange(next, next == ids ? wire::PacketId{1} : wire::PacketId(next + 1));
        Inflight::open(id, std::move(delivery), is_sent);
        return id;
    }
};

std::vector<wire::PacketId> resent(Inflight& inflight) {
    std::vector<wire::PacketId> ids;
    wire::PacketId id = 0;
    while (Inflight::Entry* entry = inflight.next_unsent(id)) {
        ids.push_back(id);
        inflight.count(*entry);
        inflight.skip_unsent();
    }
    return ids;
}

TEST_CASE("packet ids are given in sequence, from 1, and the state follows the QoS") {
    Window inflight;
    CHECK(inflight.empty());
    CHECK(inflight.open(delivery("a", "1", qos1), true) == 1);
    CHECK(inflight.open(delivery("a", "2", qos2), true) == 2);
    CHECK(inflight.size() == 2);
    CHECK(inflight.counted() == 2);
    CHECK(inflight.find(1)->state == journal::OutState::sent_qos1);
    CHECK(inflight.find(2)->state == journal::OutState::sent_qos2);
    CHECK(as_text(inflight.find(2)->delivery.publication.view().payload) == "2");
    for (const wire::PacketId unknown : Ids{0, 3, 4, 65'535}) CHECK(inflight.find(unknown) == nullptr);
}

TEST_CASE("an exchange that ends out of order leaves a hole that is never found") {
    Window inflight;
    for (int i = 0; i < 5; ++i) inflight.open(delivery("a", "x", qos1), true);
    inflight.finish(3);
    CHECK(inflight.find(3) == nullptr);
    CHECK(inflight.size() == 4);
    inflight.finish(1);
    CHECK(inflight.find(2) != nullptr);
    inflight.finish(2);  // 3 goes with it
    CHECK(inflight.size() == 2);
    Ids left;
    inflight.for_each([&](wire::PacketId id, Inflight::Entry&) { left.push_back(id); });
    CHECK(left == Ids{4, 5});
    inflight.finish(5);
    inflight.finish(4);
    CHECK(inflight.empty());
    CHECK(inflight.counted() == 0);
    CHECK(inflight.open(delivery("a", "x", qos1), true) == 6);  // an id is not used again before its turn
}

TEST_CASE("after 65535 comes 1, also with exchanges open across the wrap") {
    Window inflight;
    for (std::uint32_t i = 1; i <= 65'533; ++i) {
        const wire::PacketId id = inflight.open(delivery("a", "x", qos1), true);
        REQUIRE(id == i);
        inflight.finish(id);
    }
    for (const wire::PacketId expected : Ids{65'534, 65'535, 1, 2})
        CHECK(inflight.open(delivery("a", "x", qos1), true) == expected);
    CHECK(inflight.find(0) == nullptr);
    CHECK(inflight.find(3) == nullptr);
    CHECK(inflight.find(65'533) == nullptr);
    inflight.finish(65'535);
    inflight.finish(1);
    inflight.mark_unsent();
    CHECK(resent(inflight) == Ids{65'534, 2});
    inflight.finish(65'534);
    CHECK(inflight.find(2) != nullptr);
    inflight.finish(2);
    CHECK(inflight.open(delivery("a", "x", qos1), true) == 3);
}

TEST_CASE("one exchange may be overtaken by so many and no more") {
    Window inflight;
    inflight.open(delivery("a", "x", qos1), true);
    for (std::size_t i = 1; i < Inflight::overtaking_max; ++i) {
        REQUIRE(inflight.has_room());
        inflight.finish(inflight.open(delivery("a", "x", qos1), true));
    }
    CHECK_FALSE(inflight.has_room());
    CHECK(inflight.size() == 1);
    inflight.finish(1);
    CHECK(inflight.has_room());
    CHECK(inflight.empty());
    inflight.shrink();
    CHECK(inflight.open(delivery("a", "x", qos1), true) == Inflight::overtaking_max + 1);
}

TEST_CASE("[MQTT-4.3.3-7] a released exchange keeps its id and lets its publication go") {
    Window inflight;
    const Delivery message = delivery("a", "x", qos2);
    inflight.open(copy_of(message), true);
    CHECK(message.publication.blob().references() == 2);
    inflight.release(*inflight.find(1));
    CHECK(message.publication.blob().references() == 1);
    CHECK(inflight.find(1)->state == journal::OutState::released);
    CHECK(inflight.size() == 1);
    CHECK(inflight.counted() == 1);  // the slot of Receive Maximum is free only after PUBCOMP
    inflight.finish(1);
    CHECK(inflight.empty());
}

TEST_CASE("[MQTT-4.6.0-1] after a resume the unfinished ones come once each, in the order they were first sent") {
    Window inflight;
    for (int i = 0; i < 6; ++i) inflight.open(delivery("a", "x", i % 2 == 0 ? qos1 : qos2), true);
    CHECK_FALSE(inflight.has_unsent());
    inflight.finish(1);
    inflight.finish(4);
    inflight.mark_unsent();
    CHECK(inflight.counted() == 0);
    CHECK(inflight.size() == 4);
    CHECK(inflight.has_unsent());
    wire::PacketId id = 0;
    CHECK(inflight.next_unsent(id) == inflight.find(2));
    CHECK(inflight.next_unsent(id) == inflight.find(2));  // until it is marked
    CHECK(resent(inflight) == Ids{2, 3, 5, 6});
    CHECK_FALSE(inflight.has_unsent());
    CHECK(inflight.counted() == 4);
    CHECK(inflight.open(delivery("a", "x", qos1), true) == 7);
    CHECK_FALSE(inflight.has_unsent());
    CHECK(resent(inflight).empty());
}

TEST_CASE("acknowledgements for what was not sent again yet count for the session, not for the connection") {
    Window inflight;
    for (int i = 0; i < 4; ++i) inflight.open(delivery("a", "x", qos1), true);
    inflight.mark_unsent();
    wire::PacketId id = 0;
    inflight.count(*inflight.next_unsent(id));
    inflight.skip_unsent();
    inflight.finish(2);  // of the connection before
    CHECK(inflight.counted() == 1);
    inflight.finish(1);
    CHECK(inflight.counted() == 0);
    CHECK(resent(inflight) == Ids{3, 4});
}

TEST_CASE("an exchange that waits for a commit has its place and its packet id, and cannot be answered yet") {
    Window inflight;
    inflight.open(delivery("a", "1", qos1), true);
    CHECK(inflight.open(delivery("a", "2", qos2), false) == 2);
    CHECK(inflight.open(delivery("a", "3", qos2), false) == 3);
    CHECK(inflight.counted() == 3);
    CHECK(inflight.has_unsent());
    CHECK(inflight.find_answerable(1) != nullptr);
    CHECK(inflight.find_answerable(2) == nullptr);  // nobody can have seen it
    CHECK(inflight.find(2) != nullptr);
    wire::PacketId id = 0;
    CHECK_FALSE(inflight.next_unsent(id)->is_repetition());
    inflight.skip_unsent();
    CHECK(inflight.find_answerable(2) != nullptr);
    CHECK(inflight.find_answerable(3) == nullptr);
    // The connection ends: what was sent is a repetition next time, what was not is none.
    inflight.mark_unsent();
    CHECK(inflight.find(1)->is_repetition());
    CHECK(inflight.find(2)->is_repetition());
    CHECK_FALSE(inflight.find(3)->is_repetition());
    CHECK(inflight.find_answerable(2) != nullptr);  // the answer may have been on its way
    CHECK(resent(inflight) == Ids{1, 2, 3});
    CHECK(inflight.counted() == 3);
}

TEST_CASE("[MQTT-2.2.1-3] an exchange is opened behind the open ones, across the wrap too, and nowhere else") {
    Inflight inflight;
    CHECK_FALSE(inflight.has_room(0));
    inflight.open(65'533, delivery("a", "1", qos2), true);
    inflight.open(65'535, delivery("a", "2", qos2), true);
    inflight.open(2, delivery("a", "3", qos2), true);
    CHECK_FALSE(inflight.has_room(2));
    CHECK_FALSE(inflight.has_room(65'534));  // between two that are open
    CHECK_FALSE(inflight.has_room(40'000));  // farther ahead than one may be overtaken
    CHECK(inflight.has_room(3));
    CHECK(inflight.last_id() == 2);
    CHECK(inflight.size() == 3);
    CHECK(inflight.find(65'534) == nullptr);
    inflight.mark_unsent();
    CHECK(resent(inflight) == Ids{65'533, 65'535, 2});
    inflight.finish(65'533);
    inflight.finish(2);
    inflight.finish(65'535);
    CHECK(inflight.empty());
    CHECK(inflight.has_room(40'000));  // none is overtaken
}

TEST_CASE("an exchange that the store remembers goes on in its state") {
    Inflight inflight;
    Delivery sent = delivery("a", "1", qos2);
    sent.state = journal::OutState::sent_qos2;
    sent.sent = Sent::yes;
    Delivery released = copy_of(sent);
    released.state = journal::OutState::released;
    inflight.open(7, std::move(sent), false);
    inflight.open(8, std::move(released), false);
    CHECK(inflight.find(7)->state == journal::OutState::sent_qos2);
    CHECK(inflight.find(7)->is_repetition());
    CHECK(inflight.find(8)->state == journal::OutState::released);
    CHECK_FALSE(inflight.find(8)->delivery.publication);
    CHECK(inflight.find_answerable(7) != nullptr);  // the answer may have been on its way
}

// The same by a list: what is unfinished, in order, and whether it was sent on this connection.
TEST_CASE("a seeded run of every operation agrees with a plain list") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Rng rng(seed);
        Window inflight;
        std::deque<std::pair<wire::PacketId, bool>> model;
        wire::PacketId next = 1;
        for (int step = 0; step < 3000; ++step) {
            const std::uint64_t what = rng.below(20);
            if (what < 9 && model.size() < 50 && inflight.has_room() && !inflight.has_unsent()) {
                REQUIRE(inflight.open(delivery("a", "x", rng.one_in(2) ? qos1 : qos2), true) == next);
                model.emplace_back(next, true);
                next = next == 65'535 ? wire::PacketId{1} : static_cast<wire::PacketId>(next + 1);
            } else if (what < 18 && !model.empty()) {
                const auto place = model.begin() + static_cast<std::ptrdiff_t>(rng.below(model.size()));
                inflight.finish(place->first);
                model.erase(place);
            } else if (what == 18 && rng.one_in(4)) {
                inflight.mark_unsent();
                for (auto& entry : model) entry.second = false;
                if (rng.one_in(2)) inflight.shrink();
            } else {
                wire::PacketId id = 0;
                Inflight::Entry* entry = inflight.next_unsent(id);
                const auto first = std::ranges::find(model, false, &std::pair<wire::PacketId, bool>::second);
                REQUIRE((entry != nullptr) == (first != model.end()));
                if (entry == nullptr) continue;
                REQUIRE(id == first->first);
                inflight.count(*entry);
                inflight.skip_unsent();
                first->second = true;
            }
            REQUIRE(inflight.size() == model.size());
            std::size_t sent = 0;
            for (const auto& [id, is_sent] : model) {
                REQUIRE(inflight.find(id) != nullptr);
                sent += is_sent ? 1U : 0U;
            }
            REQUIRE(inflight.counted() == sent);
        }
    }
}

}  // namespace
}  // namespace ledge::session
