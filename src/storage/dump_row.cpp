// dump_row: the fields of each record kind as JSON.
#include "dump_row.hpp"

#include "ledge/base/json.hpp"
#include "ledge/journal/publication_source.hpp"
#include "ledge/journal/records.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

// In the order of journal::OutState.
constexpr const char* state_names[] = {"waiting", "sent_qos1", "sent_qos2", "released"};

void put_instant(JsonWriter& line, std::string_view key, Instant at) {
    // Microseconds of logical time. `never` is left out, because a number of this size would mislead a reader.
    if (at != never) line.number(key, std::int64_t{at.time_since_epoch().count()});
}

void put_publication(JsonWriter& line, const journal::PublicationView& publication) {
    // bytes() and not text(): a damaged store may contain text that is not UTF-8, and JSON must be (RFC 8259).
    line.bytes("topic", as_bytes(publication.topic));
    line.number("qos", std::uint64_t{static_cast<std::uint8_t>(publication.qos)});
    line.boolean("retain", publication.retain);
    put_instant(line, "expires_at_us", publication.expires_at);
    if (!publication.properties.empty()) line.hex("properties_hex", publication.properties);
    line.bytes("payload", publication.payload);
    // Only retained messages have a source: the rules are checked again when such a message is delivered.
    const auto source = journal::PublicationSource::parse(publication.source);
    if (!source) return;
    if (source->user) line.bytes("publisher_user", as_bytes(*source->user));
    line.bytes("publisher_client_id", as_bytes(source->client_id));
}

}  // namespace

namespace rows {

bool dump_publication(JsonWriter& line, Bytes body) {
    const auto publication = journal::parse_publication(body);
    if (publication) put_publication(line, *publication);
    return publication.has_value();
}

bool dump_session(JsonWriter& line, Bytes body) {
    const auto record = journal::parse_session(body);
    if (!record) return false;
    line.bytes("client_id", as_bytes(record->client_id));
    line.number("expiry_interval_s", std::uint64_t{record->expiry_interval_s});
    put_instant(line, "expires_at_us", record->expires_at);
    if (!record->owner.empty()) line.bytes("owner", as_bytes(record->owner));
    // Flags that are false in nearly every row are left out, to keep the lines short.
    if (record->is_ended) line.boolean("ended", true);
    if (!record->will) return true;
    if (record->is_will_only) line.boolean("will_only", true);
    line.number("will_delay_s", std::uint64_t{record->will->delay_s});
    if (record->will->keep_alive_s != 0) line.number("will_keep_alive_s", std::uint64_t{record->will->keep_alive_s});
    if (record->will_due != never) put_instant(line, "will_due_us", record->will_due);
    put_publication(line, record->will->publication.view());
    return true;
}

bool dump_subscription(JsonWriter& line, Bytes body) {
    const auto record = journal::parse_subscription(body);
    if (!record) return false;
    line.bytes("filter", as_bytes(record->filter));
    line.number("qos", std::uint64_t{static_cast<std::uint8_t>(record->options.qos)});
    line.boolean("no_local", record->options.no_local);
    line.boolean("retain_as_published", record->options.retain_as_published);
    if (record->subscription_id != 0) line.number("subscription_id", std::uint64_t{record->subscription_id});
    return true;
}

bool dump_queued(JsonWriter& line, Bytes body) {
    const auto record = journal::parse_queued(body);
    if (!record) return false;
    line.number("message", record->message.value());
    line.number("bytes", std::uint64_t{record->bytes});
    line.number("qos", std::uint64_t{static_cast<std::uint8_t>(record->qos)});
    line.boolean("retain", record->retain);
    line.text("state", state_names[static_cast<std::size_t>(record->state)]);
    if (record->packet_id != 0) line.number("packet_id", std::uint64_t{record->packet_id});
    if (record->queued_s != 0) line.number("queued_s", std::uint64_t{record->queued_s});
    return true;
}

bool dump_received(JsonWriter& line, Bytes body) {
    static_cast<void>(line);
    // The packet identifier is in the key; the row has no body.
    return body.empty();
}

bool dump_fresh(JsonWriter& line, Bytes body) {
    const auto fresh = parse_fresh_body(body);
    if (!fresh) return false;
    // In the order of FreshKind.
    constexpr const char* kinds[] = {"message", "dropped", "settled"};
    line.text("kind", kinds[static_cast<std::size_t>(fresh->kind)]);
    return fresh->publication.empty() || dump_publication(line, fresh->publication);
}

}  // namespace rows

namespace {

void put_key(JsonWriter& line, Table table, Bytes key) {
    const auto part = [&](std::string_view name, std::size_t at) { line.number(name, read_u64(key.data() + at)); };
    switch (traits_of(table).key) {
        case KeyShape::number: part("number", 0); return;
        case KeyShape::session: part("session", 0); return;
        case KeyShape::session_number:
            part("session", 0);
            part("number", 8);
            return;
        case KeyShape::session_packet_id:
            part("session", 0);
            line.number("packet_id", std::uint64_t{key[8]} << 8U | key[9]);
            return;
        case KeyShape::sequence_number:
            part("sequence", 0);
            part("number", 8);
            return;
    }
}

}  // namespace

std::string dump_row(Table table, const ReadRow& row) {
    JsonWriter line;
    line.text("table", traits_of(table).name);
    // A row with a fault is printed with its bytes: its fields may be wrong, but an operator may still recognize the
    // content.
    if (row.fault == nullptr) {
        put_key(line, table, row.key);
        if (traits_of(table).dump(line, row.body)) return line.finish();
    }
    line.text("fault", row.fault != nullptr ? row.fault : "malformed record");
    line.hex("key_hex", row.key);
    line.hex("value_hex", row.body);
    return line.finish();
}

}  // namespace ledge::storage
