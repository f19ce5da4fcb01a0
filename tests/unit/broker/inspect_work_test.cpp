// With 100,000 sessions, subscribers or retained messages, each step of a question does a bounded part of the work, and
// an answer is right although sessions come and go meanwhile. Work is counted, not timed.
#include <set>

#include "ledge/broker/inspect.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

constexpr std::uint32_t crowd = 100'000;

std::vector<Byte> record_bytes(const Blob& blob) { return {blob.bytes().begin(), blob.bytes().end()}; }

std::string numbered_name(std::uint32_t number) { return "c" + std::to_string(100'000 + number); }

/// A shard that starts from an image: the fastest way to many sessions.
struct CrowdRig {
    journal::StoreImage image;
    EventLog log;
    storage::MemoryStore store;
    std::unique_ptr<Shard> shard;

    void starts() { shard = std::make_unique<Shard>(stored_options(), log.log, 1, image, store.reader()); }
    void has_sessions(std::string_view filter) {
        for (std::uint32_t i = 0; i < crowd; ++i) {
            journal::StoredSession session;
            session.number = SessionNumber(i + 1);
            // The order of the slots is not that of the client ids.
            const std::string client_id = numbered_name(i * 7919 % crowd);
            session.record = record_bytes(encode(journal::SessionRecord{client_id, 3600, never, false, std::nullopt}));
            if (!filter.empty())
                session.subscriptions = {{1, record_bytes(encode(journal::SubscriptionRecord{{qos1}, 0, filter}))}};
            image.sessions.push_back(std::move(session));
        }
    }
};

/// Steps until the answer is complete, and calls `between` after each step. Returns the number of steps.
template <class Question, class F>
std::uint64_t finish_counted(const Shard& shard, Question& question, std::uint64_t extra, F&& between) {
    std::uint64_t steps = 1;
    for (std::uint64_t before = 0;; ++steps) {
        const bool is_done = shard.inspector().step(question);
        CHECK(question.work - before <= inspect_work_max + extra);
        before = question.work;
        if (is_done) return steps;
        between(steps);
    }
}

TEST_CASE("a page of 100,000 clients takes steps of 2,000 sessions, and sessions that end meanwhile do no harm") {
    CrowdRig rig;
    rig.has_sessions("");
    rig.starts();
    REQUIRE(rig.shard->metrics().sessions == crowd);
    ClientsQuestion question;
    question.after = numbered_name(499);
    std::uint32_t removed = 0;
    // In each step some sessions end, of this page and of others.
    const std::uint64_t steps = finish_counted(*rig.shard, question, 0, [&](std::uint64_t step) {
        removed +=
            rig.shard->remove_session(numbered_name(static_cast<std::uint32_t>(step) * 10 + 500), start) ? 1U : 0U;
    });
    CHECK(steps == crowd / inspect_work_max);
    CHECK(question.work == crowd);
    CHECK(removed == steps - 1);
    // 550, 560 ... were removed before the end: those of the page are left out, and the page says how it goes on.
    std::set<std::string> page;
    for (const SessionFacts& facts : question.clients) CHECK(page.insert(std::string(facts.client_id)).second);
    for (std::uint32_t i = 500; i < 599; ++i) CHECK(page.contains(numbered_name(i)) == (i % 10 != 0 || i == 500));
    CHECK(question.next >= numbered_name(599));
}

TEST_CASE("all pages together have each client once") {
    CrowdRig rig;
    rig.has_sessions("");
    rig.starts();
    std::string after;
    std::uint32_t seen = 0;
    std::string last;
    for (int pages = 0; pages < 10; ++pages) {
        ClientsQuestion question;
        question.after = after;
        question.count_max = 1000;
        finish_counted(*rig.shard, question, 0, [](std::uint64_t) {});
        for (const SessionFacts& facts : question.clients) {
            CHECK(facts.client_id == numbered_name(seen++));
            CHECK(last < facts.client_id);
            last = facts.client_id;
        }
        after = question.next;
    }
    CHECK(seen == 10'000);
}

TEST_CASE(
    "100,000 subscribers of one filter are walked in steps, although subscribers leave and the last one moves up") {
    CrowdRig rig;
    rig.has_sessions("t/#");
    rig.starts();
    ReceiversQuestion question;
    question.topic = "t/1";
    question.count_max = 1000;
    finish_counted(*rig.shard, question, 0, [&](std::uint64_t step) {
        // Sessions whose places are all over the list.
        rig.shard->remove_session(numbered_name(50'000 + static_cast<std::uint32_t>(step)), start);
    });
    CHECK(question.work >= crowd - 60);
    CHECK(question.work <= crowd + 60);
    REQUIRE(question.receivers.size() == 1000);
    for (std::uint32_t i = 0; i < 1000; ++i) CHECK(question.receivers[i].client_id == numbered_name(i));
}

TEST_CASE("100,000 retained messages are walked in steps, for a list and for a level of the tree") {
    CrowdRig rig;
    for (std::uint32_t i = 0; i < crowd; ++i)
        rig.image.retained.push_back({i + 1, "t/" + std::to_string(i % 100) + "/" + std::to_string(i), never, 10});
    rig.image.next_number = crowd + 1;
    rig.starts();
    REQUIRE(rig.shard->metrics().retained_messages == crowd);
    RetainedTreeQuestion tree;
    tree.below = "t";
    finish_counted(*rig.shard, tree, 0, [](std::uint64_t) {});
    CHECK(tree.work == crowd);
    REQUIRE(tree.children.size() == 100);
    for (const RetainedChild& child : tree.children) CHECK(child.descendants == crowd / 100);
    RetainedQuestion list;
    list.filter = "t/99/99999";
    const std::uint64_t portion = 64 * 17;  // the last portion of a step may go over
    finish_counted(*rig.shard, list, portion, [](std::uint64_t) {});
    CHECK(list.work >= crowd - 64);
}

}  // namespace
}  // namespace ledge::broker
