// Record bodies: the encoders, the parsers, and the checks that make a parsed record safe for the core.
#include "ledge/journal/records.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/base/byte_reader.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/parse_properties.hpp"
#include "ledge/wire/utf8.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::journal {

namespace {

void put_u64(wire::Writer& out, std::uint64_t value) {
    out.u32(static_cast<std::uint32_t>(value >> 32U));
    out.u32(static_cast<std::uint32_t>(value));
}

void put_instant(wire::Writer& out, Instant at) {
    put_u64(out, static_cast<std::uint64_t>(at.time_since_epoch().count()));
}

// qos_retain := qos:bits0-1 retain:bit2
std::uint8_t pack_qos_retain(wire::QoS qos, bool retain) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(qos) | (retain ? 4U : 0U));
}

bool unpack_qos_retain(std::uint8_t packed, wire::QoS& qos, bool& retain) {
    if ((packed & 3U) == 3 || packed > 7) return false;
    qos = static_cast<wire::QoS>(packed & 3U);
    retain = (packed & 4U) != 0;
    return true;
}

// In a publication record this bit says that a source follows the properties.
constexpr std::uint8_t bit_source = 8;
// In a queued record the same bit says that the client was connected when the row was stored.
constexpr std::uint8_t bit_live = 8;

std::size_t record_size(const PublicationView& publication) {
    const std::size_t source_size = publication.source.empty() ? 0 : 2 + publication.source.size();
    return 8 + 1 + 2 + 4 + publication.bytes() + source_size;
}

void write(const PublicationView& publication, wire::Writer& out) {
    put_instant(out, publication.expires_at);
    const unsigned source_bit = publication.source.empty() ? 0U : bit_source;
    out.u8(static_cast<std::uint8_t>(pack_qos_retain(publication.qos, publication.retain) | source_bit));
    out.prefixed(publication.topic);
    out.u32(static_cast<std::uint32_t>(publication.properties.size()));
    out.raw(publication.properties);
    if (source_bit != 0) out.prefixed(as_text(publication.source));
    out.raw(publication.payload);
}

template <class Fill>
Blob make_blob(std::size_t size, Fill&& fill) {
    auto [blob, place] = Blob::make(size);
    wire::Writer out(std::span<Byte>(place, size));
    fill(out);
    LEDGE_ASSERT(out.written() == size);
    return std::move(blob);
}

constexpr std::uint8_t flag_ended = 1;
constexpr std::uint8_t flag_will = 2;
constexpr std::uint8_t flag_owner = 4;
constexpr std::uint8_t flag_incomplete = 8;
constexpr std::uint8_t flag_will_only = 16;
constexpr std::uint8_t flag_deadline = 32;  // Keep Alive and due time of the will; missing in schema 1
constexpr std::uint8_t flags_known =
    flag_ended | flag_will | flag_owner | flag_incomplete | flag_will_only | flag_deadline;
constexpr std::size_t progress_size = 8 + 8 + 8 + 2;
constexpr std::size_t feed_size = 8 + 8 + 2;

// The following functions check what the grammar cannot say. The core relies on these properties of a record, and the
// bytes of a store may be damaged or forged.

// The limit of 2^61 us keeps sums and differences of instants from overflowing.
bool is_valid_instant(Instant at) {
    return at == never || (at >= Instant{} && at <= Instant(Duration(std::int64_t{1} << 61U)));
}

// The publisher's connection consumes these properties, so a stored publication must not contain them.
bool has_only_forwarded(const wire::Properties& properties) {
    using enum wire::PropertyId;
    return !properties.has(topic_alias) && !properties.has(message_expiry_interval) &&
           !properties.has(subscription_identifier);
}

bool is_valid(const PublicationView& publication) {
    if (!is_valid_instant(publication.expires_at)) return false;
    if (!topic::is_valid_topic(publication.topic, topic::levels_hard_max)) return false;
    if (!wire::is_valid_utf8(publication.topic)) return false;
    if (publication.properties.empty()) return true;
    const auto properties = wire::parse_properties(publication.properties, wire::PacketType::publish);
    return properties && has_only_forwarded(*properties);
}

bool are_subscription_ids(Bytes ids) {
    if (ids.empty()) return true;
    if (!wire::parse_properties(ids, wire::PacketType::publish)) return false;
    for (const wire::Property& property : wire::Properties(ids, 0))
        if (property.id != wire::PropertyId::subscription_identifier) return false;
    return true;
}

}  // namespace

void append_publication(const PublicationView& publication, std::vector<Byte>& out) {
    const std::size_t start = out.size();
    out.resize(start + record_size(publication));
    wire::Writer writer(std::span<Byte>(out).subspan(start));
    write(publication, writer);
}

std::optional<PublicationView> parse_publication(Bytes body) {
    ByteReader in(body);
    PublicationView publication;
    publication.expires_at = in.instant();
    const std::uint8_t packed = in.u8();
    const bool has_source_field = (packed & bit_source) != 0;
    if (!unpack_qos_retain(static_cast<std::uint8_t>(packed & ~bit_source), publication.qos, publication.retain))
        return std::nullopt;
    publication.topic = in.text();
    publication.properties = in.bytes(in.u32());
    if (has_source_field) publication.source = as_bytes(in.text());
    publication.payload = in.rest();
    if (!in.is_ok() || !is_valid(publication)) return std::nullopt;
    return publication;
}

Blob encode(const QueuedRecord& record) {
    const auto ids_size = static_cast<std::uint32_t>(record.ids.size());
    const std::size_t age_size = record.queued_s == 0 ? 0 : 4;
    const std::size_t size = 8 + 4 + 4 + 2 + 1 + 1 + wire::variable_size(ids_size) + ids_size + age_size;
    return make_blob(size, [&](wire::Writer& out) {
        put_u64(out, record.message.value());
        out.u32(record.bytes);
        out.u32(record.share_subscription);
        out.u16(record.packet_id);
        out.u8(static_cast<std::uint8_t>(record.state));
        out.u8(
            static_cast<std::uint8_t>(pack_qos_retain(record.qos, record.retain) | (record.is_live ? bit_live : 0U)));
        out.variable(ids_size);
        out.raw(record.ids);
        if (age_size != 0) out.u32(record.queued_s);
    });
}

namespace {
// QoS 0 is never in a stored queue. Each state of an exchange belongs to one of the other levels.
bool fits(OutState state, wire::QoS qos) {
    switch (state) {
        case OutState::done: return qos != wire::QoS::at_most_once;
        case OutState::sent_qos1: return qos == wire::QoS::at_least_once;
        case OutState::sent_qos2:
        case OutState::released: return qos == wire::QoS::exactly_once;
    }
    return false;
}
}  // namespace

std::optional<QueuedRecord> parse_queued(Bytes body) {
    ByteReader in(body);
    QueuedRecord record;
    record.message = MessageNumber(in.u64());
    record.bytes = in.u32();
    record.share_subscription = in.u32();
    record.packet_id = in.u16();
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(OutState::released)) return std::nullopt;
    record.state = static_cast<OutState>(state);
    const std::uint8_t packed = in.u8();
    record.is_live = (packed & bit_live) != 0;
    if (!unpack_qos_retain(static_cast<std::uint8_t>(packed & ~bit_live), record.qos, record.retain))
        return std::nullopt;
    record.ids = in.bytes(in.variable());
    const bool has_age = !in.rest().empty();
    if (has_age) record.queued_s = in.u32();
    if (has_age && record.queued_s == 0) return std::nullopt;  // each record has one form
    if (!in.is_ok_and_empty() || !are_subscription_ids(record.ids)) return std::nullopt;
    // A packet id is set in exactly the states that are in flight.
    const bool is_in_flight = record.state != OutState::done;
    if (record.message == no_message || is_in_flight != (record.packet_id != 0)) return std::nullopt;
    if (!fits(record.state, record.qos)) return std::nullopt;
    return record;
}

Blob encode(const SubscriptionRecord& record) {
    const bool has_feed = record.feed.as_of != 0;
    return make_blob(1 + 4 + 2 + record.filter.size() + (has_feed ? feed_size : 0), [&](wire::Writer& out) {
        const wire::SubscribeOptions& options = record.options;  // encoded as in SUBSCRIBE (5.0 section 3.8.3.1)
        out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(options.qos) | (options.no_local ? 4U : 0U) |
                                         (options.retain_as_published ? 8U : 0U) |
                                         static_cast<unsigned>(options.retain_handling) << 4U));
        out.u32(record.subscription_id);
        out.prefixed(record.filter);
        if (!has_feed) return;
        put_u64(out, record.feed.as_of);
        put_u64(out, record.feed.position);
        out.u16(record.feed.rounds);
    });
}

std::optional<SubscriptionRecord> parse_subscription(Bytes body) {
    ByteReader in(body);
    SubscriptionRecord record;
    const std::uint8_t bits = in.u8();
    record.subscription_id = in.u32();
    record.filter = in.text();
    // A record without a feed, or of an earlier release, ends after the filter.
    if (!in.rest().empty()) record.feed = {in.u64(), in.u64(), in.u16()};
    if (!in.is_ok_and_empty() || (bits & 3U) == 3 || (bits >> 4U) > 2) return std::nullopt;
    record.options = {static_cast<wire::QoS>(bits & 3U), (bits & 4U) != 0, (bits & 8U) != 0,
                      static_cast<wire::RetainHandling>(bits >> 4U)};
    const bool is_valid = topic::is_valid_filter(record.filter, topic::levels_hard_max) &&
                          wire::is_valid_utf8(record.filter) && record.subscription_id <= wire::variable_integer_max;
    return is_valid ? std::optional(record) : std::nullopt;
}

Blob encode(const SessionRecord& record) {
    const bool has_will = record.will.has_value();
    const bool has_owner = !record.owner.empty();
    const std::size_t will_size = has_will ? 4 + 1 + 4 + record_size(record.will->publication.view()) : 0;
    const std::size_t owner_size = has_owner ? 2 + record.owner.size() : 0;
    const std::size_t will_part = has_will ? 4 + will_size + 2 + 8 : 0;
    const std::size_t size = 2 + record.client_id.size() + 4 + 8 + 1 + owner_size + will_part + 8 + progress_size;
    return make_blob(size, [&](wire::Writer& out) {
        out.prefixed(record.client_id);
        out.u32(record.expiry_interval_s);
        put_instant(out, record.expires_at);
        out.u8(static_cast<std::uint8_t>((record.is_ended ? flag_ended : 0U) | (has_owner ? flag_owner : 0U) |
                                         (has_will ? flag_will | flag_deadline : 0U) |
                                         (record.is_incomplete ? flag_incomplete : 0U) |
                                         (record.is_will_only ? flag_will_only : 0U)));
        if (has_owner) out.prefixed(record.owner);
        if (has_will) {
            out.u32(static_cast<std::uint32_t>(will_size));
            out.u32(record.will->delay_s);
            out.u8(record.will->has_expiry ? 1 : 0);
            out.u32(record.will->expiry_interval_s);
            write(record.will->publication.view(), out);
            out.u16(record.will->keep_alive_s);
            put_instant(out, record.will_due);
        }
        put_u64(out, static_cast<std::uint64_t>(record.network));
        put_u64(out, record.progress.sent_until.value());
        put_u64(out, record.progress.doubted_until.value());
        put_u64(out, record.progress.known_until.value());
        out.u16(record.progress.id_shift);
    });
}

namespace {

bool parse_will(Bytes bytes, std::optional<StoredWill>& out) {
    ByteReader in(bytes);
    StoredWill will;
    will.delay_s = in.u32();
    will.has_expiry = in.u8() != 0;
    will.expiry_interval_s = in.u32();
    const auto publication = parse_publication(in.rest());
    if (!in.is_ok() || !publication) return false;
    will.publication = Publication(*publication);
    out = std::move(will);
    return true;
}

}  // namespace

std::optional<SessionRecord> parse_session(Bytes body) {
    ByteReader in(body);
    SessionRecord record;
    record.client_id = in.text();
    record.expiry_interval_s = in.u32();
    record.expires_at = in.instant();
    const std::uint8_t flags = in.u8();
    record.is_ended = (flags & flag_ended) != 0;
    record.is_incomplete = (flags & flag_incomplete) != 0;
    record.is_will_only = (flags & flag_will_only) != 0;
    if ((flags & flag_owner) != 0) record.owner = in.text();
    if ((flags & flag_will) != 0 && !parse_will(in.bytes(in.u32()), record.will)) return std::nullopt;
    const bool has_deadline = (flags & flag_deadline) != 0;
    // Both flags describe a will, so a record with one of them and without a will is invalid.
    if ((has_deadline || record.is_will_only) && !record.will) return std::nullopt;
    if (has_deadline) {
        record.will->keep_alive_s = in.u16();
        record.will_due = in.instant();
    }
    if (!in.is_empty()) record.network = NetworkId{in.u64()};  // records of earlier releases end here
    if (!in.is_empty()) {
        record.progress.sent_until = QueueRow(in.u64());
        record.progress.doubted_until = QueueRow(in.u64());
        record.progress.known_until = QueueRow(in.u64());
        record.progress.id_shift = in.u16();
    }
    constexpr std::uint64_t rows_max = std::uint64_t{1} << 62U;  // leaves room to count further rows without overflow
    const bool is_valid = in.is_ok_and_empty() && (flags & ~flags_known) == 0 && is_valid_instant(record.expires_at) &&
                          record.progress.known_until.value() <= rows_max && is_valid_instant(record.will_due) &&
                          !record.client_id.empty() && wire::is_valid_utf8(record.client_id) &&
                          wire::is_valid_utf8(record.owner);
    return is_valid ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace ledge::journal
