#include "dump_row.hpp"

#include "ledge/base/json.hpp"
#include "ledge/session/publication_source.hpp"
#include "ledge/session/records.hpp"

namespace ledge::storage {
namespace {

constexpr const char* state_names[] = {"waiting", "sent_qos1", "sent_qos2", "released"};

void put_instant(JsonWriter& line, std::string_view key, Instant at) {
    if (at != never) line.number(key, std::int64_t{at.time_since_epoch().count()});
}

void put_publication(JsonWriter& line, const session::PublicationView& publication) {
    line.bytes("topic", as_bytes(publication.topic));
    line.number("qos", std::uint64_t{static_cast<std::uint8_t>(publication.qos)});
    line.boolean("retain", publication.retain);
    put_instant(line, "expires_at_us", publication.expires_at);
    if (!publication.properties.empty()) line.hex("properties_hex", publication.properties);
    line.bytes("payload", publication.payload);
    const auto source = session::PublicationSource::parse(publication.source);
    if (!source) return;
    if (source->user) line.bytes("publisher_user", as_bytes(*source->user));
    line.bytes("publisher_client_id", as_bytes(source->client_id));
}

bool put_publication(JsonWriter& line, Bytes body) {
    const auto publication = session::parse_publication(body);
    if (publication) put_publication(line, *publication);
    return publication.has_value();
}

bool put_session(JsonWriter& line, Bytes body) {
    const auto record = session::parse_session(body);
    if (!record) return false;
    line.bytes("client_id", as_bytes(record->client_id));
    line.number("expiry_interval_s", std::uint64_t{record->expiry_interval_s});
    put_instant(line, "expires_at_us", record->expires_at);
    if (!record->owner.empty()) line.bytes("owner", as_bytes(record->owner));
    if (record->is_ended) line.boolean("ended", true);
    if (!record->will) return true;
    if (record->is_will_only) line.boolean("will_only", true);
    line.number("will_delay_s", std::uint64_t{record->will->delay_s});
    if (record->will->keep_alive_s != 0) line.number("will_keep_alive_s", std::uint64_t{record->will->keep_alive_s});
    if (record->will_due != never) put_instant(line, "will_due_us", record->will_due);
    put_publication(line, record->will->publication.view());
    return true;
}

bool put_subscription(JsonWriter& line, Bytes body) {
    const auto record = session::parse_subscription(body);
    if (!record) return false;
    line.bytes("filter", as_bytes(record->filter));
    line.number("qos", std::uint64_t{static_cast<std::uint8_t>(record->options.qos)});
    line.boolean("no_local", record->options.no_local);
    line.boolean("retain_as_published", record->options.retain_as_published);
    if (record->subscription_id != 0) line.number("subscription_id", std::uint64_t{record->subscription_id});
    return true;
}

bool put_queued(JsonWriter& line, Bytes body) {
    const auto record = session::parse_queued(body);
    if (!record) return false;
    line.number("message", record->message);
    line.number("bytes", std::uint64_t{record->bytes});
    line.number("qos", std::uint64_t{static_cast<std::uint8_t>(record->qos)});
    line.boolean("retain", record->retain);
    line.text("state", state_names[static_cast<std::size_t>(record->state)]);
    if (record->packet_id != 0) line.number("packet_id", std::uint64_t{record->packet_id});
    return true;
}

bool put_fresh(JsonWriter& line, Bytes key, Bytes body) {
    const auto row = parse_fresh(key, body);
    if (!row) return false;
    constexpr const char* kinds[] = {"message", "dropped", "settled"};
    line.text("kind", kinds[static_cast<std::size_t>(row->kind)]);
    return row->body.empty() || put_publication(line, row->body);
}

bool put_value(JsonWriter& line, Table table, Bytes key, Bytes value) {
    switch (table) {
        case Table::session: return put_session(line, value);
        case Table::sub: return put_subscription(line, value);
        case Table::in2: return value.empty();
        case Table::q: return put_queued(line, value);
        case Table::fresh: return put_fresh(line, key, value);
        default: return put_publication(line, value);
    }
}

void put_key(JsonWriter& line, Table table, Bytes key) {
    const bool is_of_session = table == Table::session || key_size(table) != 8;
    line.number(table == Table::fresh ? "sequence" : is_of_session ? "session" : "number", read_u64(key.data()));
    if (key.size() == 16) line.number("number", read_u64(key.data() + 8));
    if (key.size() == 10) line.number("packet_id", std::uint64_t{key[8]} << 8U | key[9]);
}

}  // namespace

std::string dump_row(Table table, const ReadRow& row) {
    JsonWriter line;
    line.text("table", table_names[index_of(table)]);
    if (row.fault == nullptr) {
        put_key(line, table, row.key);
        if (put_value(line, table, row.key, row.body)) return line.finish();
    }
    line.text("fault", row.fault != nullptr ? row.fault : "malformed record");
    line.hex("key_hex", row.key);
    line.hex("value_hex", row.body);
    return line.finish();
}

}  // namespace ledge::storage
