#include "event.hpp"

#include <array>
#include <cstdio>

namespace ledge::sim {

namespace {

constexpr std::array<const char*, 31> kind_names = {"opened",
                                                    "bytes",
                                                    "in",
                                                    "out",
                                                    "got",
                                                    "closing",
                                                    "closed",
                                                    "drained",
                                                    "session_began",
                                                    "session_kept",
                                                    "session_ended",
                                                    "routed",
                                                    "routed_group",
                                                    "replayed",
                                                    "replaced",
                                                    "subscribed",
                                                    "unsubscribed",
                                                    "voided",
                                                    "will_cancelled",
                                                    "will_due",
                                                    "taken",
                                                    "stored",
                                                    "store_failed",
                                                    "changed",
                                                    "promised",
                                                    "lost",
                                                    "restored",
                                                    "memory",
                                                    "restarted",
                                                    "finished",
                                                    "?"};

// label := 'L' 'S' uid:u32 publisher:u16 is_will:u8 qos:u8 seq:u32, filler: each byte follows from uid and its place
constexpr std::size_t label_size = 14;

Byte filler(std::uint32_t uid, std::size_t place) { return static_cast<Byte>((uid * 31U + place * 7U) & 0xFFU); }

std::uint32_t read_u32(Bytes bytes, std::size_t at) {
    return std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U | std::uint32_t{bytes[at + 2]} << 8U |
           bytes[at + 3];
}

std::uint64_t mix_number(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3U;
    return hash ^ (hash >> 29U);
}

void append(std::string& out, const char* name, std::uint64_t value) {
    if (value != 0) out += std::string(" ") + name + "=" + std::to_string(value);
}

}  // namespace

std::string to_string(const Event& event) {
    std::array<char, 64> time{};
    std::snprintf(time.data(), time.size(), "%6llu %10.3fs ", static_cast<unsigned long long>(event.step),
                  static_cast<double>(event.at.time_since_epoch().count()) / 1e6);
    std::string out = time.data();
    if (event.client >= 0) out += "c" + std::to_string(event.client) + " ";
    if (event.link >= 0) out += "link" + std::to_string(event.link) + " ";
    out += kind_names.at(static_cast<std::size_t>(event.kind));
    if (event.type != wire::PacketType{}) out += " " + std::string(wire::name_of(event.type));
    append(out, "id", event.packet_id);
    append(out, "qos", static_cast<std::uint64_t>(event.qos));
    append(out, "dup", event.dup ? 1 : 0);
    append(out, "retain", event.retain ? 1 : 0);
    append(out, "flag", event.flag ? 1 : 0);
    append(out, "code", static_cast<std::uint64_t>(event.code));
    append(out, "size", event.size);
    append(out, "number", event.number);
    append(out, "expiry", event.expiry_s);
    if (event.label.uid != 0) {
        out += " uid=" + std::to_string(event.label.uid) + (event.label.is_will ? " (will of c" : " (c") +
               std::to_string(event.label.publisher) + " qos" + std::to_string(static_cast<int>(event.label.qos)) +
               " #" + std::to_string(event.label.seq) + ")";
    }
    if (!event.text.empty()) out += " '" + event.text + "'";
    for (const std::uint32_t id : event.ids) out += " +" + std::to_string(id);
    return out;
}

std::uint64_t mix(std::uint64_t hash, const Event& event) {
    hash = mix_number(hash, static_cast<std::uint64_t>(event.kind) << 32U | static_cast<std::uint64_t>(event.type));
    hash = mix_number(hash, event.step);
    hash = mix_number(hash, static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
    hash = mix_number(hash,
                      static_cast<std::uint64_t>(event.client + 1) << 32U | static_cast<std::uint64_t>(event.link + 1));
    hash = mix_number(hash, std::uint64_t{event.packet_id} << 16U | static_cast<std::uint64_t>(event.qos) << 8U |
                                (event.dup ? 1U : 0U) | (event.retain ? 2U : 0U) | (event.flag ? 4U : 0U));
    hash = mix_number(hash, static_cast<std::uint64_t>(event.code));
    // What malloc hands out depends on what came before this world.
    const std::uint32_t number = event.kind == Kind::memory ? 0 : event.number;
    hash = mix_number(hash, std::uint64_t{event.size} << 32U | number);
    hash = mix_number(hash, std::uint64_t{event.label.uid} << 32U | event.label.seq);
    for (const char letter : event.text) hash = mix_number(hash, static_cast<unsigned char>(letter));
    for (const std::uint32_t id : event.ids) hash = mix_number(hash, id);
    return hash;
}

std::vector<Byte> make_payload(const Label& label, std::size_t size) {
    std::vector<Byte> payload(std::max(size, label_size));
    wire::Writer writer(payload);
    writer.u8('L');
    writer.u8('S');
    writer.u32(label.uid);
    writer.u16(static_cast<std::uint16_t>(label.publisher));
    writer.u8(label.is_will ? 1 : 0);
    writer.u8(static_cast<std::uint8_t>(label.qos));
    writer.u32(label.seq);
    for (std::size_t i = label_size; i < payload.size(); ++i) payload[i] = filler(label.uid, i);
    return payload;
}

Label read_payload(Bytes payload) {
    Label label;
    if (payload.size() < label_size || payload[0] != 'L' || payload[1] != 'S') return label;
    label.uid = read_u32(payload, 2);
    label.publisher = payload[6] << 8 | payload[7];
    label.is_will = payload[8] != 0;
    label.qos = static_cast<wire::QoS>(payload[9]);
    label.seq = read_u32(payload, 10);
    for (std::size_t i = label_size; i < payload.size(); ++i) {
        if (payload[i] != filler(label.uid, i)) label.is_damaged = true;
    }
    return label;
}

}  // namespace ledge::sim
