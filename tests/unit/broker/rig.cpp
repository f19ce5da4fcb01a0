#include "rig.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"

namespace ledge::broker {

namespace {

std::string upper(std::string_view name) {
    std::string out(name);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

std::string describe(const wire::Properties& properties) {
    std::string out;
    for (auto p = properties.begin(); p != properties.end(); ++p) {
        char id[8];
        std::snprintf(id, sizeof id, "%02x", static_cast<unsigned>(p->id));
        out += (out.empty() ? " {" : " ") + std::string(id) + "=";
        if (p->text.empty())
            out += std::to_string(p->number);
        else
            out += std::string(p->name) + (p->name.empty() ? "" : ":") + std::string(p->text);
    }
    return out.empty() ? out : out + "}";
}

std::string describe(const wire::Publish& packet) {
    std::string out = "PUBLISH " + std::string(packet.topic.empty() ? "-" : packet.topic) + " ";
    out += packet.payload.size() > 40 ? std::to_string(packet.payload.size()) + "B" : as_text(packet.payload);
    if (packet.qos != qos0)
        out += " q" + std::to_string(static_cast<int>(packet.qos)) + "#" + std::to_string(packet.packet_id);
    if (packet.dup) out += " dup";
    if (packet.retain) out += " retain";
    return out + describe(packet.properties);
}

std::string with_code(std::string text, ReasonCode code) {
    return code == ReasonCode::success ? text : text + " " + std::string(wire::name_of(code));
}

std::string describe(const wire::Suback& packet) {
    std::string out = upper(wire::name_of(packet.type)) + " " + std::to_string(packet.packet_id);
    for (const Byte code : packet.codes) out += " " + std::to_string(code);
    return out;
}

std::string describe(Bytes frame, Version version) {
    switch (const auto type = wire::type_of(frame)) {
        case wire::PacketType::connack: {
            const auto packet = wire::decode_connack(frame, version);
            return "CONNACK " + std::string(wire::name_of(packet->code)) + (packet->session_present ? " present" : "");
        }
        case wire::PacketType::publish: return describe(*wire::decode_publish(frame, version));
        case wire::PacketType::puback:
        case wire::PacketType::pubrec:
        case wire::PacketType::pubrel:
        case wire::PacketType::pubcomp: {
            const auto packet = wire::decode_ack(frame, version);
            return with_code(upper(wire::name_of(type)) + " " + std::to_string(packet->packet_id), packet->code);
        }
        case wire::PacketType::suback: return describe(*wire::decode_suback(frame, version));
        case wire::PacketType::unsuback: return describe(*wire::decode_unsuback(frame, version));
        case wire::PacketType::disconnect:
            return with_code("DISCONNECT", wire::decode_disconnect(frame, version)->code);
        default: return upper(wire::name_of(type));
    }
}

std::string encode_connect(std::string_view name, const Wish& wish) {
    wire::PropertyBuilder properties;
    const auto add = [&](PropertyId id, const std::optional<std::uint32_t>& value) {
        if (value) properties.number(id, *value);
    };
    add(PropertyId::session_expiry_interval, wish.expiry);
    add(PropertyId::receive_maximum, wish.receive_maximum);
    add(PropertyId::maximum_packet_size, wish.packet_size_max);
    add(PropertyId::topic_alias_maximum, wish.alias_max);
    wire::Connect packet;
    packet.version = wish.version;
    packet.client_id = name;
    packet.clean_start = wish.clean;
    packet.keep_alive_s = wish.keep_alive;
    packet.will = wish.will;
    packet.user_name = wish.user;
    if (wish.password) packet.password = as_bytes(*wish.password);
    if (wish.version == v5) packet.properties = properties.view();
    std::vector<Byte> bytes(wire::encoded_size(packet));
    wire::Writer writer(bytes);
    wire::encode(packet, writer);
    return std::string(as_text(bytes));
}

}  // namespace

std::string ack(wire::PacketType type, wire::PacketId id, Version version) {
    return encoded(wire::Ack{type, id, ReasonCode::success, {}}, version);
}

std::size_t EventLog::count(std::string_view event) const {
    return static_cast<std::size_t>(std::ranges::count(events, event));
}

std::string EventLog::line_of(const LogRecord& record) {
    std::string line;
    for (const LogField& field : record.fields) {
        const auto* text = std::get_if<std::string_view>(&field.value);
        const std::string value = text ? std::string(*text) : std::to_string(std::get<std::int64_t>(field.value));
        line.append(line.empty() ? "" : " ").append(field.key).append("=").append(value);
    }
    return line;
}

Client& Client::tries_to_connect(const Wish& wish) {
    REQUIRE(connection == nullptr);
    version_ = wish.version;
    incoming_.clear();
    connection = rig_.shard->open({wish.listener, wish.address, wish.proven, wish.is_inner}, this, rig_.now);
    if (connection == nullptr) return *this;
    return sends(encode_connect(wish.client_id.empty() ? std::string_view(name_) : wish.client_id, wish));
}

Client& Client::connects(const Wish& wish) {
    if (connection != nullptr) loses_connection();
    tries_to_connect(wish);
    REQUIRE(is_open());
    if (reads_) REQUIRE(take("CONNACK success"));
    return *this;
}

Client& Client::disconnects(ReasonCode code, std::optional<std::uint32_t> expiry) {
    wire::PropertyBuilder properties;
    if (expiry) properties.number(PropertyId::session_expiry_interval, *expiry);
    sends(encoded(wire::Disconnect{code, properties.view()}, version_));
    CHECK_FALSE(is_open());
    return *this;
}

Client& Client::loses_connection() {
    REQUIRE(is_open());
    rig_.shard->on_closed(*connection, rig_.now);
    connection = nullptr;
    rig_.settle();
    return *this;
}

Client& Client::sends(std::string_view bytes) {
    REQUIRE(is_open());
    rig_.shard->on_bytes(*connection, as_bytes(bytes), rig_.now);
    rig_.settle();
    return *this;
}

Client& Client::subscribes(std::string_view filter, wire::SubscribeOptions options, std::uint32_t id) {
    std::vector<Byte> entries;
    wire::append_entry(entries, {filter, options}, true);
    wire::PropertyBuilder properties;
    if (id != 0) properties.number(PropertyId::subscription_identifier, id);
    sends(encoded(wire::Subscribe{++last_id_, {entries, true}, properties.view()}, version_));
    if (!reads_) return *this;
    const auto answer = take("SUBACK " + std::to_string(last_id_));
    REQUIRE(answer);
    REQUIRE(answer->back() <= '2');
    return *this;
}

std::string Client::answer_to_subscribe(std::string_view filter) {
    std::vector<Byte> entries;
    wire::append_entry(entries, {filter, {}}, true);
    sends(encoded(wire::Subscribe{++last_id_, {entries, true}, {}}, version_));
    return take("SUBACK " + std::to_string(last_id_)).value_or("");
}

Client& Client::unsubscribes(std::string_view filter) {
    std::vector<Byte> entries;
    wire::append_entry(entries, {filter, {}}, false);
    sends(encoded(wire::Unsubscribe{++last_id_, {entries, false}, {}}, version_));
    if (reads_) REQUIRE(take("UNSUBACK " + std::to_string(last_id_)));
    return *this;
}

std::string Client::publishes(std::string_view topic, std::string_view payload, QoS qos, bool retain,
                              const wire::PropertyBuilder& properties) {
    const wire::PacketId id = qos == qos0 ? wire::PacketId{0} : ++last_id_;
    sends(encoded(wire::Publish{topic, as_bytes(payload), qos, retain, false, id, properties.view()}, version_));
    if (qos == qos0) return "";
    const std::string number = std::to_string(id);
    const auto answer = take((qos == qos1 ? "PUBACK " : "PUBREC ") + number);
    if (!answer) return "closed";
    const std::string code = answer->size() > 7 + number.size() ? answer->substr(8 + number.size()) : "success";
    const bool is_refused = code != "success" && code != "no_matching_subscribers";
    if (qos == qos1 || is_refused) return code;
    sends(ack(wire::PacketType::pubrel, id, version_));
    REQUIRE(take("PUBCOMP " + number));
    return code;
}

Client& Client::stops_reading() {
    reads_ = false;
    return *this;
}

Client& Client::reads_again() {
    reads_ = true;
    if (is_open()) connection->mark_dirty();
    rig_.settle();
    return *this;
}

Client& Client::acknowledges() {
    acknowledges_ = true;
    return *this;
}

std::string Client::takes() {
    std::string out;
    for (const std::string& packet : got_) out += (out.empty() ? "" : " | ") + packet;
    got_.clear();
    return out;
}

std::optional<std::string> Client::take(std::string_view beginning) {
    const auto found =
        std::ranges::find_if(got_, [&](const std::string& packet) { return packet.starts_with(beginning); });
    if (found == got_.end()) return std::nullopt;
    std::string packet = *found;
    got_.erase(found);
    return packet;
}

// The driver: writes what there is, tells the shard, closes.
void Client::read() {
    if (!reads_ && !connection->is_closing()) return;
    Bytes parts[64];
    while (!connection->outbox().empty()) {
        const std::size_t count = connection->outbox().gather(parts);
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < count; ++i) {
            incoming_ += as_text(parts[i]);
            bytes += parts[i].size();
        }
        connection->outbox().consume(bytes);
        digest();
        rig_.shard->on_drained(*connection, rig_.now);
    }
    if (!connection->is_closing()) return;
    rig_.shard->on_closed(*connection, rig_.now);
    connection = nullptr;
}

void Client::digest() {
    Bytes input = as_bytes(incoming_);
    wire::Framer framer;
    for (;;) {
        const Bytes before = input;
        const auto next = framer.next(input, 0xFFFF'FFFF);
        if (next.status != wire::Framer::Status::frame) {
            std::string rest(as_text(before));
            incoming_.swap(rest);
            return;
        }
        got_.push_back(describe(next.frame, version_));
        if (acknowledges_ && wire::type_of(next.frame) == wire::PacketType::publish)
            acknowledge(*wire::decode_publish(next.frame, version_));
        if (acknowledges_ && wire::type_of(next.frame) == wire::PacketType::pubrel)
            answers_ += ack(wire::PacketType::pubcomp, wire::decode_ack(next.frame, version_)->packet_id, version_);
    }
}

void Client::acknowledge(const wire::Publish& packet) {
    if (packet.qos == qos1) answers_ += ack(wire::PacketType::puback, packet.packet_id, version_);
    if (packet.qos == qos2) answers_ += ack(wire::PacketType::pubrec, packet.packet_id, version_);
}

ShardOptions plain_options() {
    ShardOptions options;
    options.listeners.push_back({"main", true, 10'000, {}});
    options.sys_interval = Duration::zero();
    return options;
}

ShardOptions stored_options() {
    ShardOptions options = plain_options();
    options.durability.journal.is_enabled = true;
    return options;
}

ShardOptions with_budget(std::uint64_t bytes, ShardOptions options) {
    options.memory_budget_bytes = bytes;
    return options;
}

namespace {
ShardOptions options_with(const session::SessionLimits& limits) {
    ShardOptions options = plain_options();
    options.listeners[0].limits = limits;
    return options;
}
}  // namespace

Rig::Rig(const ShardOptions& options) : options_(options) {
    if (options.durability.journal.is_enabled) {
        store = std::make_unique<storage::MemoryStore>();
        start_from_store();
    } else {
        shard = std::make_unique<Shard>(options, log.log, 1, start);
    }
}
Rig::Rig(const session::SessionLimits& limits) : Rig(options_with(limits)) {}
Rig::~Rig() = default;

Client& Rig::operator[](const std::string& name) { return clients_.try_emplace(name, *this, name).first->second; }

void Rig::settle() {
    for (;;) {
        bool has_moved = false;
        while (session::Connection* connection = shard->next_dirty()) {
            static_cast<Client*>(connection->link())->read();
            has_moved = true;
        }
        for (auto& [name, client] : clients_) {
            if (client.answers_.empty() || !client.is_open()) continue;
            shard->on_bytes(*client.connection, as_bytes(std::exchange(client.answers_, {})), now);
            has_moved = true;
        }
        if (shard->next_deadline() <= now) {
            shard->on_time(now);
            has_moved = true;
        }
        if (store != nullptr && writes && shard->wants_commit(now)) {
            commits_once();
            has_moved = true;
        }
        if (!has_moved) return;
    }
}

Instant Rig::next_deadline() const {
    const Instant commit = store != nullptr && writes ? shard->commit_deadline() : never;
    return std::min(shard->next_deadline(), commit);
}

void Rig::commits() {
    commits_once();
    settle();
}

void Rig::commits_once() {
    const auto report = store->commit(shard->take_batch(now));
    if (report.ok())
        shard->on_committed(report->last, report->used_fraction, now);
    else
        shard->on_store_failed(now);
}

void Rig::postpones() {
    writes = false;
    postponed = shard->take_batch(now);
    shard->on_commit_postponed(now);
    settle();
}

void Rig::heals() {
    const auto report = store->commit(*std::exchange(postponed, std::nullopt));
    REQUIRE(report.ok());
    shard->on_committed(report->last, report->used_fraction, now);
    settle();
}

void Rig::restarts(Duration rest) { start_again(0, rest); }

void Rig::restarts_with(const ShardOptions& options) {
    shard.reset();  // it may refer to the options
    options_ = options;
    restarts();
}

void Rig::stops_and_starts() {
    shard->shut_down(now);
    settle();
    commits();
    start_again(0, {});
}

void Rig::restarts_torn(std::size_t records) {
    store->start(shard->take_batch(now));
    start_again(records, {});
}

void Rig::start_again(std::size_t records_kept, Duration rest) {
    for (auto& [name, client] : clients_) {
        client.connection = nullptr;
        client.forgets();
        client.answers_.clear();
    }
    shard.reset();
    store->crash(records_kept, rest);
    start_from_store();
    settle();
}

void Rig::start_from_store() {
    const auto image = store->load();
    REQUIRE(image.ok());
    now = image->now;
    shard = std::make_unique<Shard>(options_, log.log, 1, *image, store->reader());
}

Rig& Rig::passes(Duration duration) {
    const Instant until = now + duration;
    while (next_deadline() <= until) {
        now = std::max(now, next_deadline());
        if (shard->next_deadline() <= now) shard->on_time(now);
        settle();
    }
    now = until;
    settle();
    return *this;
}

}  // namespace ledge::broker
