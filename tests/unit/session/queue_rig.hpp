// A session whose queue has a store behind it, of the simplest kind; it can be ended and started again.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/queue_rules.hpp"
#include "rig.hpp"

namespace ledge::session {

/// A store of the simplest kind: what was committed, by number.
struct Shelf final : journal::StoreReader {
    std::map<QueueRow, std::vector<Byte>> rows;           // of session 1
    std::map<MessageNumber, std::vector<Byte>> messages;  // publication records
    int readings = 0;

    void queued(SessionNumber, QueueRow from, std::size_t rows_max, std::size_t,
                std::vector<journal::StoredDelivery>& out) override {
        ++readings;
        for (auto row = rows.lower_bound(from); row != rows.end() && rows_max-- > 0; ++row) {
            journal::StoredDelivery& delivery = out.emplace_back();
            delivery.row = {row->first.value(), row->second};
            const auto record = journal::parse_queued(row->second);
            if (record && messages.contains(record->message)) delivery.publication = messages[record->message];
        }
    }
    bool retained(std::uint64_t, std::vector<Byte>&) override { return false; }
    bool message(MessageNumber number, std::vector<Byte>& out) override {
        if (!messages.contains(number)) return false;
        out = messages[number];
        return true;
    }
};

/// Made before the Rig, which reads it.
struct HasShelf {
    Shelf shelf;
};

struct QueueRig : HasShelf, Rig {
    explicit QueueRig(std::uint32_t window = 2) : Rig(enabled(), &shelf) {
        log = Log(
            LogLevel::error,
            [](void* self, const LogRecord& record) {
                CHECK(mismatch_with_table(record) == "");
                static_cast<QueueRig*>(self)->complaints += std::string(record.event) + " ";
            },
            this);
        listener.limits.queue_window_messages = window;
        session = std::make_unique<Session>(services.for_sessions, "c", listener.limits);
        session->expiry_interval_s = 100;
        session->put_record(never, journal::Urgency::now);
        commits();
    }
    static journal::JournalOptions enabled() {
        journal::JournalOptions options;
        options.is_enabled = true;
        return options;
    }
    /// The queue of the session has these rules from now on, also after a restart. They must outlive the rig.
    void uses(const QueueRules& queue_rules) {
        rules = &queue_rules;
        session->queue().use_rules(queue_rules);
    }
    void resumes() { connects(connect_v5(), true); }
    /// Stored and queued, as the broker does for an offline session.
    void queues(std::string_view payload, QoS qos = qos1) { queues("a", payload, qos); }
    void queues(std::string_view topic, std::string_view payload, QoS qos, Instant expires_at = never) {
        Delivery one = delivery(topic, payload, qos, expires_at);
        session->queue().note_queued(one, now);
        session->queue().store(one, session->is_online(), journal::Urgency::now);
        session->queue().replace_earlier(topic);
        session->queue().enqueue(std::move(one), session->limits());
        if (connection != nullptr) connection->pump(now);
    }
    void commits() {
        const journal::Batch batch = services.journal.make_batch(now);
        written = "";
        for (const journal::Record& record : batch.records) write(record, batch.body(record));
        services.journal.on_committed(batch.last);
        for (Connection* one : std::exchange(services.waiting_connections, {})) one->on_committed();
        for (Session* one : std::exchange(services.waiting_sessions, {})) {
            one->stop_waiting();
            if (one->connection() != nullptr) one->connection()->pump(now);
        }
    }
    void write(const journal::Record& record, Bytes body) {
        const std::vector<Byte> bytes(body.begin(), body.end());
        const std::string number = std::to_string(record.number);
        const bool is_put = record.change == journal::Change::put;
        if (record.kind == journal::RecordKind::queued) {
            if (is_put)
                shelf.rows[QueueRow(record.number)] = bytes;
            else
                shelf.rows.erase(QueueRow(record.number));
            written += (is_put ? "+q" : "-q") + number + " ";
        }
        if (record.kind == journal::RecordKind::message) {
            if (is_put)
                shelf.messages[MessageNumber(record.number)] = bytes;
            else
                shelf.messages.erase(MessageNumber(record.number));
            written += is_put ? "+m " : "-m ";
        }
    }
    /// As after a clean stop: the record says how far the rows were sent.
    void stops_and_starts() {
        is_gone();
        session->record_disconnection(never, journal::Urgency::lazy);
        restarts(session->queue().progress());
    }
    /// As after a kill while the client was connected: a session that knows what the store has.
    void restarts(const journal::SendingProgress& progress = journal::SendingProgress()) {
        is_gone();
        auto again = std::make_unique<Session>(services.for_sessions, "c", listener.limits);
        again->expiry_interval_s = 100;
        if (rules != nullptr) again->queue().use_rules(*rules);
        again->record().restore(session->number(), {}, never);
        again->queue().restore(shelf.rows.empty() ? no_row : shelf.rows.rbegin()->first, no_row, progress);
        std::uint64_t waiting = 0;
        std::uint64_t bytes = 0;
        for (const auto& [row, body] : shelf.rows) {
            const auto record = journal::parse_queued(body);
            if (!record) continue;
            ++waiting, bytes += record->bytes;
            REQUIRE((record->packet_id == 0 || again->queue().is_own_id(row, record->packet_id)));
        }
        again->queue().restore_rows(waiting, bytes, shelf.rows.empty() ? no_row : shelf.rows.begin()->first);
        session = std::move(again);
    }

    const QueueRules* rules = nullptr;
    std::string written;     // by the last commit
    std::string complaints;  // errors in the log
};

}  // namespace ledge::session
