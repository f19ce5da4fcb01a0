#include "ledge/session/ending_log.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::session {

namespace {

constexpr std::string EndedConnection::*ending_texts[] = {
    &EndedConnection::reason,   &EndedConnection::client_id, &EndedConnection::user, &EndedConnection::address,
    &EndedConnection::listener, &EndedConnection::detail,    &EndedConnection::rule};

/// Cuts the text before the code point that does not fit, so that the rest is still UTF-8.
void cut(std::string& text) {
    if (text.size() <= EndingLog::text_bytes_max) return;
    std::size_t end = EndingLog::text_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    text.shrink_to_fit();
}

}  // namespace

std::size_t EndingLog::bytes_of(const EndedConnection& ended) {
    std::size_t bytes = 0;
    for (const auto text : ending_texts) bytes += (ended.*text).size();
    return bytes;
}

void EndingLog::add(EndedConnection ended) {
    ended.number = ++last_number_;
    ended.at = latest_;
    for (const auto text : ending_texts) cut(ended.*text);
    bytes_ += bytes_of(ended);
    entries_.push_back(std::move(ended));
    // One entry always fits: it has at most seven texts.
    while (entries_.size() > entries_max || bytes_ > bytes_max) {
        const std::size_t oldest = bytes_of(entries_.front());
        LEDGE_ASSERT(entries_.size() > 1 && bytes_ >= oldest);
        bytes_ -= oldest;
        entries_.pop_front();
    }
}

const EndedConnection* EndingLog::last_disconnect(std::string_view client_id) const {
    const auto is_it = [&](const EndedConnection& one) {
        return one.kind == EndedConnection::Kind::disconnected && one.client_id == client_id;
    };
    const auto found = std::find_if(entries_.rbegin(), entries_.rend(), is_it);
    return found == entries_.rend() ? nullptr : &*found;
}

}  // namespace ledge::session
