#include "ledge/mqttsn/envelope_counters.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"

namespace ledge::mqttsn {

namespace {

constexpr std::string_view counters_head = "ledgemq envelope counters 1";
constexpr std::string_view counters_end = "end ";
constexpr std::uint32_t counter_max = std::numeric_limits<std::uint32_t>::max();

/// Takes the text up to the next `mark` from the front of `rest`; nullopt = there is no mark.
std::optional<std::string_view> take_until(std::string_view& rest, char mark) {
    const std::size_t at = rest.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view taken = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    return taken;
}

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size();
}

std::optional<std::string> from_hex(std::string_view digits) {
    if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (; !digits.empty(); digits.remove_prefix(2)) {
        unsigned char byte = 0;
        if (!read_number(digits.substr(0, 2), byte, 16)) return std::nullopt;
        out.push_back(static_cast<char>(byte));
    }
    return out;
}

std::optional<EnvelopeCounters::Record> read_record(std::string_view line) {
    const auto client_id = take_until(line, ' ');
    const auto key_mark = take_until(line, ' ');
    const auto seen = take_until(line, ' ');
    if (!client_id || !key_mark || !seen) return std::nullopt;
    EnvelopeCounters::Record record;
    auto name = from_hex(*client_id);
    if (!name || !read_number(*key_mark, record.key_mark, 16)) return std::nullopt;
    if (!read_number(*seen, record.seen) || !read_number(line, record.sent)) return std::nullopt;
    record.client_id = std::move(*name);
    record.sender = sender_of(record.client_id);
    // Any counter up to the limit may have been used before the restart.
    record.durable_seen = record.seen;
    record.durable_limit = record.sent;
    return record;
}

}  // namespace

bool EnvelopeCounters::load(std::string_view text) {
    LEDGE_ASSERT(records_.empty());
    std::map<SenderId, Record> read;
    if (take_until(text, '\n') != counters_head) return false;
    for (auto line = take_until(text, '\n'); line; line = take_until(text, '\n')) {
        if (line->starts_with(counters_end)) {
            std::size_t count = 0;
            // The number finds a file that an editor, or a restored backup of a part, has cut.
            if (!read_number(line->substr(counters_end.size()), count) || count != read.size() || !text.empty())
                return false;
            records_ = std::move(read);
            // Every limit is used up, so that nothing could be sent before the first write.
            wants_write_ = !records_.empty();
            return true;
        }
        auto record = read_record(*line);
        if (!record) return false;
        const SenderId sender = record->sender;
        if (!read.try_emplace(sender, std::move(*record)).second) return false;
    }
    return false;  // the last line is missing
}

EnvelopeCounters::Record* EnvelopeCounters::find(SenderId sender) {
    const auto found = records_.find(sender);
    return found == records_.end() ? nullptr : &found->second;
}

EnvelopeCounters::Record* EnvelopeCounters::find_or_add(std::string_view client_id) {
    const SenderId sender = sender_of(client_id);
    if (Record* const known = find(sender)) return known->client_id == client_id ? known : nullptr;
    if (records_.size() >= records_max_) return nullptr;
    Record record;
    record.client_id = client_id;
    record.sender = sender;
    record.sent = record.durable_limit = first_counter_;
    return &records_.emplace(sender, std::move(record)).first->second;
}

std::uint32_t EnvelopeCounters::next(Record& record) {
    // The write is wanted in time, so that a connection seldom waits for it.
    if (record.durable_limit - record.sent <= block / 2 && record.durable_limit != counter_max) wants_write_ = true;
    if (record.sent >= record.durable_limit) return 0;
    return ++record.sent;
}

std::string EnvelopeCounters::begin_write() {
    LEDGE_ASSERT(!is_writing_);
    std::string text(counters_head);
    text += '\n';
    for (auto& [sender, record] : records_) {
        record.writing_seen = record.seen;
        record.writing_limit = std::max(record.durable_limit, record.sent + std::min(block, counter_max - record.sent));
        for (const char byte : record.client_id) append_hex(static_cast<unsigned char>(byte), 2, text);
        text += ' ';
        append_hex(static_cast<std::uint32_t>(record.key_mark >> 32U), 8, text);
        append_hex(static_cast<std::uint32_t>(record.key_mark), 8, text);
        text += ' ' + std::to_string(record.writing_seen) + ' ' + std::to_string(record.writing_limit) + '\n';
    }
    is_writing_ = true;
    wants_write_ = false;
    return text.append(counters_end) + std::to_string(records_.size()) + '\n';
}

void EnvelopeCounters::end_write(bool is_durable) {
    LEDGE_ASSERT(is_writing_);
    is_writing_ = false;
    if (!is_durable) {
        wants_write_ = true;
        return;
    }
    for (auto& [sender, record] : records_) {
        // A record that was added during the write is not in the file. Its numbers were never set, so they are smaller.
        record.durable_seen = std::max(record.durable_seen, record.writing_seen);
        record.durable_limit = std::max(record.durable_limit, record.writing_limit);
    }
}

std::vector<Byte> EnvelopeSender::seal(Bytes packet) const {
    LEDGE_ASSERT(is_used() && record != nullptr);
    const std::uint32_t counter = counters->next(*record);
    if (counter == 0) return {};
    return make_envelope(*key, gateway_sender(record->sender), counter, packet);
}

}  // namespace ledge::mqttsn
