// Tickets, what is written and what is not, and when.
#include "ledge/journal/journal.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::journal {
namespace {

constexpr Instant start{};

struct Sheet : Journal {
    Sheet() : Journal(options()) {}
    static JournalOptions options() {
        JournalOptions options;
        options.is_enabled = true;
        options.commit_delay = 5ms;
        options.paced_interval = 500ms;
        options.lazy_interval = 1s;
        options.bytes_max = 10'000;
        options.bytes_urgent = 2000;
        return options;
    }
    Ticket puts(std::uint64_t number, Urgency urgency = Urgency::lazy, std::size_t size = 4) {
        return put(RecordKind::queued, SessionNumber(1), number, blob(size), urgency);
    }
    static Blob blob(std::size_t size) {
        auto [made, place] = Blob::make(size);
        std::fill(place, place + size, Byte{'x'});
        return std::move(made);
    }
    /// The numbers of the records in the next batch.
    std::string taken(Instant now = start) {
        std::string out;
        last = make_batch(now);
        for (const Record& record : last.records) out += (out.empty() ? "" : " ") + std::to_string(record.number);
        return out;
    }
    /// When the next commit is due, in ms; -1: not at all.
    std::int64_t due(Instant now) {
        note_time(now);
        const Instant at = std::max(commit_deadline(), now);
        return at == never ? -1 : std::chrono::duration_cast<std::chrono::milliseconds>(at - start).count();
    }
    Batch last;
};

TEST_CASE("a journal that is not enabled takes nothing, and everything is durable at once") {
    Journal journal{JournalOptions{}};
    const Ticket ticket = journal.put(RecordKind::queued, SessionNumber(1), 1, {}, Urgency::now);
    CHECK(ticket == no_ticket);
    CHECK(journal.is_durable(ticket));
    CHECK_FALSE(journal.has_pending());
    CHECK(journal.commit_deadline() == never);
}

TEST_CASE("tickets become durable with their batch, and not those that came while it was written") {
    Sheet journal;
    const Ticket first = journal.puts(1);
    CHECK(journal.taken() == "1");
    const Ticket second = journal.puts(2);
    CHECK_FALSE(journal.is_durable(first));
    journal.on_committed(journal.last.last);
    CHECK(journal.is_durable(first));
    CHECK_FALSE(journal.is_durable(second));
    CHECK(journal.taken() == "2");
    journal.on_committed(journal.last.last);
    CHECK(journal.is_durable(second));
    CHECK(journal.is_durable(journal.Journal::last()));
}

TEST_CASE("a batch carries the records in order, with their bodies, the next number and the time") {
    Sheet journal;
    journal.restore(40);
    CHECK(journal.new_number() == 40);
    journal.put(RecordKind::session, SessionNumber(3), 0, Sheet::blob(2), Urgency::lazy);
    journal.put_publication(RecordKind::message, 9,
                            Publication({"a", as_bytes("pay"), {}, never, wire::QoS::at_least_once, false}),
                            Urgency::lazy);
    journal.drop(RecordKind::queued, SessionNumber(3), 8, Urgency::lazy);
    const Batch batch = journal.make_batch(start + 3s);
    REQUIRE(batch.records.size() == 3);
    CHECK(batch.records[0].kind == RecordKind::session);
    CHECK(as_text(batch.body(batch.records[0])) == "xx");
    const auto publication = parse_publication(batch.body(batch.records[1]));
    REQUIRE(publication);
    CHECK(as_text(publication->payload) == "pay");
    CHECK(batch.body(batch.records[2]).empty());
    CHECK(batch.next_number == 41);
    CHECK(batch.now == start + 3s);
}

TEST_CASE("a cancelled record is not in the batch, a replaced one is with its last body") {
    Sheet journal;
    const Ticket gone = journal.puts(1);
    const Ticket changed = journal.puts(2);
    journal.puts(3);
    CHECK(journal.is_pending(gone));
    journal.cancel(gone);
    journal.replace(changed, Sheet::blob(9), Urgency::lazy);
    CHECK(journal.taken() == "2 3");
    CHECK(journal.last.records[0].body_size == 9);
    CHECK_FALSE(journal.is_pending(changed));
    CHECK(journal.cancelled() == 1);
}

TEST_CASE("what waits for a record that was withdrawn waits no longer, whatever else is pending") {
    Sheet journal;
    journal.puts(1);
    const Ticket withdrawn = journal.puts(2, Urgency::paced);
    const Ticket kept = journal.puts(3);
    CHECK_FALSE(journal.is_settled(withdrawn));
    journal.withdraw(withdrawn);
    CHECK(journal.is_settled(withdrawn));
    CHECK_FALSE(journal.is_durable(withdrawn));
    CHECK_FALSE(journal.is_settled(kept));
    CHECK(journal.consume_settled_without_commit());
    CHECK(journal.taken() == "1 3");
    journal.on_committed(journal.last.last);
    CHECK(journal.is_settled(kept));
}

TEST_CASE("a paced record that was cancelled hurries nobody: what is lazy waits for its own time") {
    Sheet journal;
    journal.puts(1);
    const Ticket gone = journal.puts(2, Urgency::paced);
    CHECK(journal.due(start) == 5);
    journal.cancel(gone);
    CHECK(journal.due(start + 1ms) == 1000);
    journal.puts(3, Urgency::paced);
    CHECK(journal.due(start + 2ms) == 7);
}

TEST_CASE("when everything pending is cancelled, its tickets are durable without a commit") {
    Sheet journal;
    const Ticket ticket = journal.puts(1, Urgency::now);
    journal.cancel(ticket);
    CHECK(journal.is_durable(ticket));
    CHECK(journal.consume_settled_without_commit());
    CHECK_FALSE(journal.consume_settled_without_commit());
    CHECK(journal.due(start) == -1);
    CHECK(journal.bytes() == 0);
}

TEST_CASE("... but not before the batch that is under way") {
    Sheet journal;
    const Ticket before = journal.puts(1);
    CHECK(journal.taken() == "1");
    const Ticket ticket = journal.puts(2);
    journal.cancel(ticket);
    CHECK_FALSE(journal.is_durable(ticket));
    CHECK_FALSE(journal.is_durable(before));
    journal.on_committed(journal.last.last);
    CHECK(journal.is_durable(before));
    CHECK(journal.is_durable(ticket));
    CHECK_FALSE(journal.has_pending());
}

TEST_CASE("the most urgent pending record says when the commit is due") {
    Sheet journal;
    CHECK(journal.due(start) == -1);
    journal.puts(1, Urgency::lazy);
    CHECK(journal.due(start + 10ms) == 1010);
    CHECK(journal.due(start + 500ms) == 1010);
    journal.puts(2, Urgency::soon);
    CHECK(journal.due(start + 600ms) == 605);
    journal.puts(3, Urgency::now);
    CHECK(journal.due(start + 601ms) == 601);
    journal.taken(start + 601ms);
    journal.on_committed(journal.last.last);
    CHECK(journal.due(start + 700ms) == -1);
    journal.puts(4, Urgency::lazy);
    CHECK(journal.due(start + 700ms) == 1700);
    journal.request_commit();
    CHECK(journal.due(start + 701ms) == 701);
}

TEST_CASE("paced commits come at once while there are credits, then one per interval; many records share one") {
    Sheet journal;
    Instant now = start;
    for (int i = 0; i < Journal::paced_commits; ++i) {
        journal.puts(1, Urgency::paced);
        CHECK(journal.due(now) == 5);
        journal.taken(start);
        journal.on_committed(journal.last.last);
    }
    journal.puts(1, Urgency::paced);
    CHECK(journal.due(start + 1ms) == 500);
    for (std::uint32_t i = 1; i < Journal::paced_records_cheap; ++i) journal.puts(1, Urgency::paced);
    CHECK(journal.due(start + 2ms) == 6);
    journal.puts(1, Urgency::soon);
    CHECK(journal.due(start + 2ms) == 6);
}

TEST_CASE("bytes make a commit urgent, and publications are refused when they become too many") {
    Sheet journal;
    journal.puts(1, Urgency::lazy, 1900);
    CHECK(journal.due(start) == 1000);
    journal.puts(2, Urgency::lazy, 200);
    CHECK(journal.due(start) == 0);
    journal.taken();
    CHECK(journal.bytes() > 2000);  // under way
    journal.puts(3, Urgency::lazy, 7000);
    CHECK_FALSE(journal.refuses_publications());
    journal.puts(4, Urgency::lazy, 1000);
    CHECK(journal.refuses_publications());
    journal.on_committed(journal.last.last);
    CHECK_FALSE(journal.refuses_publications());
}

TEST_CASE("with a store that is full publications are refused, and everything else goes on") {
    Sheet journal;
    journal.set_full(true);
    CHECK(journal.refuses_publications());
    const Ticket ticket = journal.drop(RecordKind::queued, SessionNumber(1), 1, Urgency::now);
    CHECK(journal.taken() == "1");
    journal.on_committed(ticket);
    CHECK(journal.is_durable(ticket));
    journal.set_full(false);
    CHECK_FALSE(journal.refuses_publications());
}

TEST_CASE("after a failed commit nothing becomes durable, and nothing is taken") {
    Sheet journal;
    const Ticket before = journal.puts(1, Urgency::now);
    journal.taken();
    journal.on_failed();
    CHECK_FALSE(journal.is_durable(before));
    CHECK(journal.puts(2, Urgency::now) == never_durable);
    CHECK(journal.Journal::last() == never_durable);
    CHECK_FALSE(journal.is_durable(never_durable));
    CHECK_FALSE(journal.is_pending(never_durable));
    CHECK(journal.due(start + 10s) == -1);
    CHECK(journal.refuses_publications());
}

TEST_CASE("while a commit is postponed publications are refused, tickets wait, and a commit ends it") {
    Sheet journal;
    const Ticket ticket = journal.puts(1, Urgency::now);
    journal.taken();
    journal.on_postponed();
    CHECK(journal.refuses_publications());
    CHECK_FALSE(journal.is_failed());
    CHECK_FALSE(journal.is_durable(ticket));
    const Ticket later = journal.puts(2, Urgency::now);
    CHECK(later != never_durable);
    journal.on_committed(ticket);
    CHECK_FALSE(journal.refuses_publications());
    CHECK(journal.taken() == "2");
}

TEST_CASE("a journal is saturated when a postponed commit lets it grow over its bound, by cancelled records too") {
    Sheet journal;
    const Ticket first = journal.puts(1, Urgency::now);
    journal.taken();
    journal.on_postponed();
    CHECK_FALSE(journal.is_saturated());
    for (std::uint64_t i = 2; i < 302; ++i) {
        const Ticket ticket = journal.puts(i);
        if (i > 2) journal.cancel(ticket);
    }
    CHECK(journal.is_saturated());
    journal.on_committed(first);
    CHECK_FALSE(journal.is_saturated());
    CHECK(journal.taken() == "2");
}

}  // namespace
}  // namespace ledge::journal
