#include "rig.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "ledge/base/log_events.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"

namespace ledge::storage::test {

using journal::RecordKind;

TempDir::TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "ledge-store-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TempDir::names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

bool LogLines::has(std::string_view words) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

void LogLines::take(void* self, const LogRecord& record) {
    CHECK(mismatch_with_table(record) == "");
    format_text(record, static_cast<LogLines*>(self)->lines_.emplace_back());
}

// ---------------------------------------------------------------------------------------------------------------------
// Records

namespace {

std::vector<Byte> bytes_of(const Blob& blob) { return {blob.bytes().begin(), blob.bytes().end()}; }

}  // namespace

std::vector<Byte> publication(std::string_view topic, std::string_view payload, Instant expires_at) {
    journal::PublicationView view;
    view.topic = topic;
    view.payload = as_bytes(payload);
    view.expires_at = expires_at;
    view.qos = wire::QoS::at_least_once;
    std::vector<Byte> out;
    journal::append_publication(view, out);
    return out;
}

std::vector<Byte> queued(std::uint64_t message, std::uint32_t bytes, std::uint16_t packet_id, journal::OutState state) {
    journal::QueuedRecord record;
    record.message = MessageNumber(message);
    record.bytes = bytes;
    record.packet_id = packet_id;
    record.state = state == journal::OutState::done && packet_id != 0 ? journal::OutState::sent_qos2 : state;
    const bool is_qos2 = record.state == journal::OutState::sent_qos2 || record.state == journal::OutState::released;
    record.qos = is_qos2 ? wire::QoS::exactly_once : wire::QoS::at_least_once;
    return bytes_of(journal::encode(record));
}

std::vector<Byte> session_record(std::string_view client_id) {
    journal::SessionRecord record;
    record.client_id = client_id;
    record.expiry_interval_s = 3600;
    return bytes_of(journal::encode(record));
}

std::vector<Byte> subscription(std::string_view filter) {
    journal::SubscriptionRecord record;
    record.filter = filter;
    return bytes_of(journal::encode(record));
}

Writer& Writer::put(RecordKind kind, std::uint64_t session, std::uint64_t number, const std::vector<Byte>& body) {
    const auto offset = static_cast<std::uint32_t>(batch_.bodies.size());
    batch_.bodies.insert(batch_.bodies.end(), body.begin(), body.end());
    batch_.records.push_back(
        {kind, journal::Change::put, offset, static_cast<std::uint32_t>(body.size()), SessionNumber(session), number});
    ++last_;
    return *this;
}

Writer& Writer::drop(RecordKind kind, std::uint64_t session, std::uint64_t number) {
    batch_.records.push_back({kind, journal::Change::drop, 0, 0, SessionNumber(session), number});
    ++last_;
    return *this;
}

journal::Batch Writer::take() {
    batch_.last = last_;
    batch_.next_number = next_number;
    now += 1s;
    batch_.now = now;
    return std::exchange(batch_, {});
}

// ---------------------------------------------------------------------------------------------------------------------
// Chance

journal::Batch RandomWork::batch(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) step();
    writer_.next_number = numbers_;
    return writer_.take();
}

void RandomWork::step() {
    switch (rng_.below(16)) {
        case 0: return add_session();
        case 1: return rng_.one_in(4) ? end_session() : receive();
        case 2:
        case 3:
        case 4: return retain();
        case 5:
        case 6:
        case 7:
        case 8: return acknowledge();
        default: return publish();
    }
}

std::string RandomWork::text(std::size_t size_max) {
    std::string text(rng_.below(size_max) + 1, ' ');
    for (char& c : text) c = static_cast<char>('a' + rng_.below(26));
    return text;
}

void RandomWork::add_session() {
    const std::uint64_t number = numbers_++;
    sessions_.push_back(number);
    writer_.put(RecordKind::session, number, 0, session_record(text(20)));
    for (std::uint64_t i = rng_.below(4); i > 0; --i)
        writer_.put(RecordKind::subscription, number, numbers_++, subscription(text(30)));
}

void RandomWork::end_session() {
    if (sessions_.empty()) return;
    const std::size_t index = rng_.below(sessions_.size());
    const std::uint64_t number = sessions_[index];
    for (std::size_t i = queued_.size(); i-- > 0;)
        if (queued_[i].session == number) drop_row(i);
    writer_.drop(RecordKind::session, number, 0);
    sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(index));
}

void RandomWork::publish() {
    if (sessions_.empty()) return add_session();
    const std::uint64_t message = numbers_++;
    const std::string topic = text(20);
    const std::string payload = text(rng_.one_in(20) ? 20'000 : 100);
    writer_.put(RecordKind::message, 0, message, publication(topic, payload));
    const std::size_t owed = rng_.below(std::min<std::size_t>(sessions_.size(), 3)) + 1;
    const std::size_t first = rng_.below(sessions_.size());
    for (std::size_t i = 0; i < owed; ++i) {
        const std::uint64_t session = sessions_[(first + i) % sessions_.size()];
        const auto packet_id = static_cast<std::uint16_t>(rng_.one_in(5) ? rng_.below(65'535) + 1 : 0);
        const auto bytes = static_cast<std::uint32_t>(topic.size() + payload.size());
        const std::uint64_t number = numbers_++;
        writer_.put(RecordKind::queued, session, number, queued(message, bytes, packet_id));
        queued_.push_back({session, number, message});
    }
}

void RandomWork::drop_row(std::size_t index) {
    const Queued row = queued_[index];
    queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(index));
    writer_.drop(RecordKind::queued, row.session, row.number);
    const bool is_needed =
        std::any_of(queued_.begin(), queued_.end(), [&](const Queued& other) { return other.message == row.message; });
    if (!is_needed) writer_.drop(RecordKind::message, 0, row.message);
}

void RandomWork::acknowledge() {
    if (queued_.empty()) return;
    const std::size_t index = rng_.below(std::min<std::size_t>(queued_.size(), 10));
    if (rng_.one_in(4)) {
        const Queued& row = queued_[index];
        writer_.put(RecordKind::queued, row.session, row.number,
                    queued(row.message, 7, 9, journal::OutState::released));
    } else {
        drop_row(index);
    }
}

void RandomWork::retain() {
    if (retained_.empty() || rng_.one_in(4)) {
        retained_.push_back(numbers_++);
        writer_.put(RecordKind::retained, 0, retained_.back(), publication(text(20), text(60)));
        return;
    }
    const std::size_t index = rng_.below(retained_.size());
    if (!rng_.one_in(8)) {
        const std::size_t size_max = rng_.one_in(10) ? 5000 : 60;
        writer_.put(RecordKind::retained, 0, retained_[index], publication(text(20), text(size_max)));
        return;
    }
    writer_.drop(RecordKind::retained, 0, retained_[index]);
    retained_.erase(retained_.begin() + static_cast<std::ptrdiff_t>(index));
}

void RandomWork::receive() {
    if (sessions_.empty()) return;
    const std::uint64_t session = sessions_[rng_.below(sessions_.size())];
    const std::uint64_t packet_id = rng_.below(20) + 1;
    writer_.put(rng_.one_in(2) ? RecordKind::received : RecordKind::received, session, packet_id);
}

// ---------------------------------------------------------------------------------------------------------------------
// Images

namespace {

std::string row_text(const journal::StoredRow& row) {
    return std::to_string(row.number) + "=" + std::string(as_text(row.body)) + ";";
}

template <class T>
std::string sorted_lines(const std::vector<T>& items, std::string (*to_line)(const T&)) {
    std::vector<std::string> lines;
    for (const T& item : items) lines.push_back(to_line(item));
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

std::string session_line(const journal::StoredSession& session) {
    std::string line = "session " + row_text({session.number.value(), session.record}) + " queued " +
                       std::to_string(session.queued) + "/" + std::to_string(session.queued_bytes) + " " +
                       std::to_string(session.first_queued.value()) + "-" + std::to_string(session.last_queued.value());
    for (const auto& row : session.subscriptions) line += " sub " + row_text(row);
    for (const auto& row : session.inflight) line += " inflight " + row_text(row);
    for (const std::uint16_t id : session.received) line += " received " + std::to_string(id);
    return line;
}

std::string retained_line(const journal::StoredRetained& retained) {
    return "retained " + std::to_string(retained.number) + " " + retained.topic + " " +
           std::to_string(retained.expires_at.time_since_epoch().count()) + " " + std::to_string(retained.bytes);
}

std::string reference_line(const journal::StoredReferences& references) {
    return "message " + std::to_string(references.message.value()) + " x" + std::to_string(references.rows);
}

}  // namespace

std::string to_text(const journal::StoreImage& image) {
    return "next " + std::to_string(image.next_number) + "\n" + sorted_lines(image.sessions, session_line) +
           sorted_lines(image.retained, retained_line) + sorted_lines(image.references, reference_line);
}

std::string to_text(Store& store) {
    const journal::StoreImage image = load(store);
    journal::StoreReader& reader = store.reader();
    std::string text = to_text(image);
    for (const auto& session : image.sessions) {
        std::vector<journal::StoredDelivery> rows;
        reader.queued(session.number, no_row, 1'000'000, 1'000'000'000, rows);
        for (const auto& delivery : rows) {
            text += "delivery " + row_text(delivery.row) + std::string(as_text(delivery.publication)) + "\n";
        }
    }
    std::vector<std::string> payloads;
    for (const auto& retained : image.retained) {
        std::vector<Byte> body;
        const bool is_there = reader.retained(retained.number, body);
        payloads.push_back(std::to_string(retained.number) + (is_there ? " " : " missing ") +
                           std::string(as_text(body)));
    }
    std::sort(payloads.begin(), payloads.end());
    for (const std::string& payload : payloads) text += payload + "\n";
    return text;
}

LmdbStoreOptions options_for(const TempDir& dir) {
    return {.path = dir.path(), .size_max_bytes = 256ULL * 1024 * 1024, .wall_clock = nullptr};
}

std::unique_ptr<Store> open(const TempDir& dir, const Log& log) {
    auto store = open_lmdb_store(options_for(dir), log);
    if (!store) FAIL(text_of(store.error()));
    return std::move(*store);
}

journal::StoreImage load(Store& store) {
    auto image = store.load();
    if (!image) FAIL(text_of(image.error()));
    return std::move(*image);
}

}  // namespace ledge::storage::test
