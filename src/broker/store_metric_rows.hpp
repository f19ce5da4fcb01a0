// The rows of the metric table for memory, store and owners, which follow those of metric_rows.hpp. The same rules hold
// for their texts.
#pragma once

#include "ledge/session/memory_kinds.hpp"
#include "ledge/session/pressure.hpp"
#include "metric_rows.hpp"

namespace ledge::broker::metric_rows {

template <auto Member>
Reading stored(const MetricSource& source) {
    return {.number = source.metrics.store.*Member};
}
template <StartState Value>
Reading has_begun(const MetricSource& source) {
    return {.number = source.metrics.store.start_state == Value};
}
template <journal::WriteClass Class>
Reading given(const MetricSource& source) {
    return {.number = source.metrics.store.given[static_cast<std::size_t>(Class)]};
}
template <auto Member>
Reading owners_by(const MetricSource& source) {
    return {.owners = &(source.metrics.*Member)};
}
template <session::MemoryKind Kind>
Reading held_for(const MetricSource& source) {
    return {.number = source.metrics.memory_by_kind[static_cast<std::size_t>(Kind)]};
}
inline Reading kept_messages(const MetricSource& source) {
    return {.number = source.metrics.retained_messages + source.metrics.counters.queued_messages};
}
inline Reading kept_bytes(const MetricSource& source) {
    return {.number = source.metrics.retained_bytes + source.metrics.counters.queued_bytes};
}
inline Reading pressure(const MetricSource& source) {
    const session::Pressure pressure = source.metrics.memory_pressure;
    return {.number = static_cast<std::uint64_t>(pressure), .word = name_of(pressure)};
}
static_assert(journal::write_classes == 4, "each class of writes has a row");
static_assert(session::memory_kinds == 8, "each kind of memory has a row");

// clang-format off
constexpr Metric store_rows[] = {
    {.group = memory, .name = "queued_messages", .type = gauge, .read = counted<&Counters::queued_messages>,
     .help = "The value is the number of messages that wait in the queues of all sessions, including those that were "
             "sent and are not yet acknowledged. 0 means that nothing waits."},
    {.group = memory, .name = "queued_bytes", .type = gauge, .unit = "bytes", .read = counted<&Counters::queued_bytes>,
     .help = "The value is the size in bytes of the messages that wait in the queues of all sessions, without those "
             "that were sent and are not yet acknowledged. 0 means that nothing waits."},
    {.group = memory, .name = "retained_messages", .type = gauge, .topic = "retained messages/count",
     .read = measured<&Metrics::retained_messages>,
     .help = "The value is the number of topics with a retained message, the $SYS topics included. 0 means that "
             "nothing is retained."},
    {.group = memory, .name = "retained_bytes", .type = gauge, .unit = "bytes",
     .read = measured<&Metrics::retained_bytes>,
     .help = "The value is the size in bytes of the topics, properties and payloads of all retained messages. 0 means "
             "that nothing is retained."},
    {.group = memory, .type = gauge, .topic = "store/messages/count", .other_topic = "messages/stored",
     .read = kept_messages,
     .help = "The value is the number of messages that the broker keeps: retained messages and messages that wait in "
             "queues. 0 means that the broker keeps no message."},
    {.group = memory, .type = gauge, .unit = "bytes", .topic = "store/messages/bytes", .read = kept_bytes,
     .help = "The value is the size in bytes of retained messages and of messages that wait in queues. 0 means that "
             "the broker keeps no message."},
    {.group = memory, .name = "memory_used_bytes", .type = gauge, .unit = "bytes",
     .topic = "memory/used", .other_topic = "heap/current", .read = measured<&Metrics::memory_used>,
     .help = "The value is the anonymous memory of the process in bytes, as the memory budget counts it; mapped pages "
             "of the store are not included. 0 means that the memory was not measured yet."},
    {.group = memory, .type = gauge, .unit = "bytes", .topic = "heap/maximum",
     .read = [](const MetricSource& source) { return Reading{source.memory_used_max}; },
     .help = "The value is the largest memory/used in bytes that the broker has published since the start. 0 means "
             "that the memory was not measured yet."},
    {.group = memory, .name = "memory_budget_bytes", .type = gauge, .unit = "bytes", .topic = "memory/budget",
     .read = measured<&Metrics::memory_budget>,
     .help = "The value is the memory budget of the process in bytes (memory.budget_bytes). 0 means that the memory is "
             "not limited."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "connections", .read = held_for<session::MemoryKind::connections>,
     .help = "The value is the memory in bytes that the broker holds for this kind; all kinds together are "
             "memory_used_bytes. 0 means that the broker holds nothing of this kind.",
     .sample = "A fixed estimate for each open connection, without its buffers."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "input", .read = held_for<session::MemoryKind::input>,
     .sample = "Packets that have not come completely yet, and logins that wait."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "outboxes", .read = held_for<session::MemoryKind::outboxes>,
     .sample = "Buffers for packets that clients have not read yet, and up to 1 MiB of unused buffers."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "sessions", .read = held_for<session::MemoryKind::sessions>,
     .sample = "A fixed estimate for each session, its client id and its will."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "subscriptions", .read = held_for<session::MemoryKind::subscriptions>,
     .sample = "A fixed estimate for each subscription, and its filter."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "queues", .read = held_for<session::MemoryKind::queues>,
     .sample = "The places in the queues of sessions, without the messages."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "messages", .read = held_for<session::MemoryKind::messages>,
     .sample = "Messages in memory that wait, are in flight or are retained; a message that several sessions share "
               "counts once."},
    {.group = memory, .name = "memory_by_kind_bytes", .type = gauge, .unit = "bytes", .label = "kind",
     .label_value = "elsewhere", .read = held_for<session::MemoryKind::elsewhere>,
     .sample = "Measured memory that is none of the other kinds: tables, TLS, the allocator's gaps and the program. "
               "It is measured only with a memory budget."},
    {.group = memory, .name = "memory_pressure", .type = gauge, .topic = "memory/pressure", .read = pressure,
     .help = "The value is the step that the memory budget has reached; each step includes the earlier ones. 0 (none) "
             "means that there is enough memory. 1 (slow_readers) means that slow readers lose QoS 0 messages. 2 "
             "(new_clients) means that owners with many sessions get no further ones. 3 (slowest) means that the "
             "clients and sessions that hold most memory give way."},
    {.group = memory, .name = "clients_refused_memory_total", .topic = "clients/refused/memory",
     .read = counted<&Counters::refused_memory>,
     .help = "The broker counts each CONNECT packet that it refuses because the memory budget is nearly used up. 0 "
             "means that memory has always sufficed for new clients."},
    {.group = memory, .name = "clients_disconnected_memory_total", .topic = "clients/disconnected/memory",
     .read = counted<&Counters::disconnected_memory>,
     .help = "The broker counts each client that it disconnects because memory is short and this client holds much of "
             "it. 0 means that no client was disconnected for memory since the start."},
    {.group = memory, .name = "strangers_gave_way_total", .topic = "clients/gave_way/strangers",
     .read = counted<&Counters::unauthenticated_evicted>,
     .help = "The broker counts each connection that it closes before the login, because the unfinished packets of "
             "such connections exceed their share of the memory budget. 0 means that this has not happened since the "
             "start."},
    {.group = memory, .name = "sessions_gave_way_total", .topic = "clients/gave_way/sessions",
     .read = counted<&Counters::sessions_evicted>,
     .help = "The broker counts each session without connection and messages that it ends because broker.sessions_max "
             "is reached or memory is short. 0 means that no session had to give way."},

    {.group = store, .type = gauge, .topic = "store/state",
     .read = [](const MetricSource& source) { return Reading{.word = store_state(source.metrics)}; },
     .help = "The word names the state of the store. none: there is no store. ok: the store works. full: durable "
             "publications are refused for want of room. slow: a commit takes long. postponed: a commit had no room on "
             "the disk and is tried again. failed: nothing is acknowledged as durable until a restart."},
    {.group = store, .type = gauge, .topic = "store/beginning",
     .read = [](const MetricSource& source) { return Reading{.word = name_of(source.metrics.store.start_state)}; },
     .help = "The word says how the broker found the store at its start. whole: complete, or new. salvaged: damaged, "
             "and what could be read was kept. lost: the file was missing or empty. unusable: the broker could not use "
             "the store and started without it."},
    {.group = store, .name = "store_enabled", .type = gauge, .read = stored<&StoreFigures::is_used>,
     .help = "The value is 1 when the broker uses a store. 0 means that no session and no message survives the end of "
             "the broker."},
    {.group = store, .name = "store_unusable", .type = gauge, .read = has_begun<StartState::unusable>,
     .help = "The value is 1 when a store is configured that the broker could not use at its start. 0 means that there "
             "was no such problem."},
    {.group = store, .name = "store_failed", .type = gauge, .needs_store = true,
     .read = measured<&Metrics::is_store_failed>,
     .help = "The value is 1 when writing to the store has failed: the broker acknowledges nothing as durable until it "
             "is restarted. 0 means that the store has not failed."},
    {.group = store, .name = "store_full", .type = gauge, .needs_store = true,
     .read = measured<&Metrics::is_store_full>,
     .help = "The value is 1 while the broker refuses durable publications because the store or the disk is nearly "
             "full. 0 means that there is room."},
    {.group = store, .name = "store_postponed", .type = gauge, .needs_store = true,
     .read = stored<&StoreFigures::is_postponed>,
     .help = "The value is 1 while the broker tries a commit again that had no room on the disk. 0 means that no "
             "commit waits for room."},
    {.group = store, .name = "store_postponements_total", .topic = "store/postponements", .needs_store = true,
     .read = stored<&StoreFigures::postponements>,
     .help = "The broker counts each episode in which commits have no room on the disk and are tried again. 0 means "
             "that the disk has always had room since the start."},
    {.group = store, .name = "store_waiting_seconds", .type = gauge, .unit = "seconds", .topic = "store/waiting_s",
     .needs_store = true,
     .read = [](const MetricSource& source) { return Reading{in_seconds(source.metrics.store_waited)}; },
     .help = "The value is the time in seconds for which the present commit has been waiting for the disk. 0 means "
             "that no commit waits."},
    {.group = store, .name = "store_lost", .type = gauge, .needs_store = true, .read = has_begun<StartState::lost>,
     .help = "The value is 1 when the broker found the file of its former store missing or empty at the start. 0 means "
             "that nothing was missing."},
    {.group = store, .name = "store_salvaged", .type = gauge, .needs_store = true,
     .read = has_begun<StartState::salvaged>,
     .help = "The value is 1 when the broker found a damaged store at its start and kept what it could read. 0 means "
             "that the store was not damaged."},
    {.group = store, .name = "store_used_bytes", .type = gauge, .unit = "bytes", .topic = "store/bytes/used",
     .needs_store = true, .read = stored<&StoreFigures::used_bytes>,
     .help = "The value is the size in bytes of the pages that the store uses; free pages inside the file are not "
             "included. 0 means that the store does not know its size."},
    {.group = store, .name = "store_size_max_bytes", .type = gauge, .unit = "bytes", .topic = "store/bytes/max",
     .needs_store = true, .read = stored<&StoreFigures::size_max_bytes>,
     .help = "The value is the largest size in bytes that the store can have now: store.size_max_bytes, or what the "
             "free space of the disk allows if that is less. 0 means that the store does not know it."},
    {.group = store, .name = "store_used_ratio", .type = gauge, .unit = "ratio", .needs_store = true,
     .read = [](const MetricSource& source) {
         return Reading{.number = static_cast<std::uint64_t>(source.metrics.store.used_fraction * 10'000),
                        .decimals = 4};
     },
     .help = "The value is the used part of the store's largest size or of the disk, from 0 to 1; the fuller of the "
             "two counts. Durable publications are refused above 0.85. 0 means that nothing is used."},
    {.group = store, .type = gauge, .unit = "percent", .topic = "store/used_percent",
     .read = [](const MetricSource& source) {
         return Reading{static_cast<std::uint64_t>(source.metrics.store.used_fraction * 100)};
     },
     .help = "The value is the used part of the store's largest size or of the disk, in percent; the fuller of the two "
             "counts. 0 means that less than 1 percent is used, or that there is no store."},
    {.group = store, .name = "store_commits_total", .topic = "store/commits", .needs_store = true,
     .read = stored<&StoreFigures::commits>,
     .help = "The broker counts each transaction that it has written to the store. 0 means that nothing was written "
             "since the start."},
    {.group = store, .name = "store_commit_duration_seconds", .type = histogram, .unit = "seconds",
     .needs_store = true,
     .read = [](const MetricSource& source) {
         return Reading{.histogram = &source.metrics.store.commit_us, .decimals = 6};
     },
     .help = "The broker measures each commit from its first attempt until the disk has answered; an acknowledgement "
             "of a durable publication waits for one or two of them. A count of 0 means that nothing was written "
             "since the start."},
    {.group = store, .name = "store_commit_records", .type = histogram, .needs_store = true,
     .read = [](const MetricSource& source) { return Reading{.histogram = &source.metrics.store.commit_records}; },
     .help = "The broker counts the changes in each commit: the more publications share a commit, the less the flash "
             "memory wears. A count of 0 means that nothing was written since the start."},
    {.group = store, .name = "store_given_bytes_total", .unit = "bytes", .label = "class", .label_value = "sessions",
     .topic = "store/bytes/given/sessions", .needs_store = true, .read = given<journal::WriteClass::sessions>,
     .help = "The broker adds up the size in bytes of the rows that it has handed to the store. 0 means that no row of "
             "this class was written since the start.",
     .sample = "The rows have sessions, their subscriptions, their wills and their received packet ids."},
    {.group = store, .name = "store_given_bytes_total", .unit = "bytes", .label = "class", .label_value = "queues",
     .topic = "store/bytes/given/queues", .needs_store = true, .read = given<journal::WriteClass::queues>,
     .sample = "The rows have the queues of sessions: which message waits for which session."},
    {.group = store, .name = "store_given_bytes_total", .unit = "bytes", .label = "class", .label_value = "messages",
     .topic = "store/bytes/given/messages", .needs_store = true, .read = given<journal::WriteClass::messages>,
     .sample = "The rows have the messages that wait in queues, each message once."},
    {.group = store, .name = "store_given_bytes_total", .unit = "bytes", .label = "class", .label_value = "retained",
     .topic = "store/bytes/given/retained", .needs_store = true, .read = given<journal::WriteClass::retained>,
     .sample = "The rows have retained messages."},
    {.group = store, .name = "store_device_bytes_total", .unit = "bytes", .topic = "store/bytes/device",
     .needs_store = true, .read = stored<&StoreFigures::device_bytes>,
     .help = "The broker adds up the size in bytes of all pages that it has written to the device; the filesystem's "
             "own writes are not included. 0 means that nothing was written since the start."},
    {.group = store, .name = "store_device_last_day_bytes", .type = gauge, .unit = "bytes",
     .topic = "store/bytes/device/24h", .needs_store = true, .read = stored<&StoreFigures::device_bytes_day>,
     .help = "The value is the size in bytes of the pages that the broker has written to the device in the last 24 "
             "hours, in steps of one hour. 0 means that nothing was written."},
    {.group = store, .name = "store_daily_budget_bytes", .type = gauge, .unit = "bytes", .needs_store = true,
     .read = stored<&StoreFigures::daily_budget_bytes>,
     .help = "The value is the configured limit in bytes of what the broker should write to the device in 24 hours "
             "(store.daily_write_budget_bytes). 0 means that there is no limit."},
    {.group = store, .name = "store_bad_rows_total", .topic = "store/bad_rows", .needs_store = true,
     .read = stored<&StoreFigures::bad_rows>,
     .help = "The broker counts each row of the store that could not be read as it was written, and that was put aside "
             "into a bad-rows file. 0 means that every row could be read."},
    {.group = store, .name = "store_records_cancelled_total", .topic = "store/records/cancelled",
     .needs_store = true, .read = measured<&Metrics::records_cancelled>,
     .help = "The broker counts each change of the store that became unnecessary before it was written, for example "
             "because all subscribers had acknowledged the message. 0 means that every change was written."},

    {.group = owners, .name = "owner_table_bytes", .type = gauge, .unit = "bytes", .label = "owner",
     .read = owners_by<&Metrics::owners_by_table_bytes>,
     .help = "The value is the memory in bytes of the sessions and subscriptions of one owner (a user, or the network "
             "address of anonymous clients). The ten owners with the largest values are shown; an owner with 0 is not "
             "shown."},
    {.group = owners, .name = "owner_stored_bytes", .type = gauge, .unit = "bytes", .label = "owner",
     .needs_store = true, .read = owners_by<&Metrics::owners_by_stored_bytes>,
     .help = "The value is the size in bytes of the messages that one owner has published since the start and that the "
             "store still keeps. The ten owners with the largest values are shown; an owner with 0 is not shown."},
    {.group = owners, .name = "owner_written_bytes_total", .unit = "bytes", .label = "owner", .needs_store = true,
     .read = owners_by<&Metrics::owners_by_written_bytes>,
     .help = "The broker adds up the size in bytes of the rows that it has handed to the store because of one owner. "
             "The ten owners with the largest values are shown; an owner with 0 is not shown."},
};
// clang-format on

}  // namespace ledge::broker::metric_rows
