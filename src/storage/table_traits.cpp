// TableTraits: the checks of keys and bodies.
#include "table_traits.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::storage {

namespace rows {

bool is_session(Bytes body) { return journal::parse_session(body).has_value(); }
bool is_subscription(Bytes body) { return journal::parse_subscription(body).has_value(); }
bool is_received(Bytes body) { return body.empty(); }
bool is_publication(Bytes body) { return journal::parse_publication(body).has_value(); }
bool is_queued(Bytes body) { return journal::parse_queued(body).has_value(); }

bool is_fresh(Bytes body) {
    const auto fresh = parse_fresh_body(body);
    return fresh && (fresh->publication.empty() || is_publication(fresh->publication));
}

}  // namespace rows

Key key_of(Table table, std::uint64_t session, std::uint64_t number) {
    switch (traits_of(table).key) {
        case KeyShape::number: return Key::of(number);
        case KeyShape::session: return Key::of(session);
        case KeyShape::session_number:
        case KeyShape::sequence_number: return Key::of(session, number);
        case KeyShape::session_packet_id: break;
    }
    return Key::of_received(session, static_cast<std::uint16_t>(number));
}

namespace {

/// The last part of a key. Requires that the key has the size of its table's keys.
std::uint64_t last_part(Bytes key) {
    LEDGE_ASSERT(key.size() >= 8);
    return key.size() == size_of(KeyShape::session_packet_id) ? std::uint64_t{key[8]} << 8U | key[9]
                                                              : read_u64(&key[key.size() - 8]);
}

}  // namespace

bool is_key(Table table, Bytes key) {
    if (key.size() != key_size(table)) return false;
    const std::uint64_t first = read_u64(key.data());
    const std::uint64_t last = last_part(key);
    return first > 0 && first <= number_max && last > 0 && last <= traits_of(table).last_key_part_max;
}

const char* fault_in_row(Table table, Bytes key, Bytes body) {
    if (!is_key(table, key)) return "malformed key";
    return traits_of(table).is_body(body) ? nullptr : "malformed record";
}

}  // namespace ledge::storage
