#include "ledge/session/received_ids.hpp"

namespace ledge::session {

namespace {
// id = page:6 word:4 bit:6
std::size_t page_of(wire::PacketId id) { return id >> 10U; }
std::size_t word_of(wire::PacketId id) { return (id >> 6U) & 15U; }
std::uint64_t bit_of(wire::PacketId id) { return std::uint64_t{1} << (id & 63U); }
}  // namespace

[[gnu::hot]] bool ReceivedIds::contains(wire::PacketId id) const {
    if (pages_ == nullptr || (*pages_)[page_of(id)] == nullptr) return false;
    return ((*pages_)[page_of(id)]->bits[word_of(id)] & bit_of(id)) != 0;
}

[[gnu::hot]] bool ReceivedIds::insert(wire::PacketId id) {
    if (contains(id)) return false;
    if (pages_ == nullptr) pages_ = std::make_unique<Pages>();
    // The empty page that was kept is in another place: free it.
    if (size_ == 0 && last_page_ != page_of(id)) (*pages_)[last_page_].reset();
    auto& page = (*pages_)[page_of(id)];
    if (page == nullptr) page = std::make_unique<Page>();
    page->bits[word_of(id)] |= bit_of(id);
    ++page->used;
    ++size_;
    return true;
}

[[gnu::hot]] bool ReceivedIds::erase(wire::PacketId id) {
    if (!contains(id)) return false;
    auto& page = (*pages_)[page_of(id)];
    page->bits[word_of(id)] &= ~bit_of(id);
    // The last page stays although it is empty: ids come in sequence, so the next id most likely needs this page again.
    if (--page->used == 0 && size_ > 1) page.reset();
    if (--size_ == 0) last_page_ = static_cast<std::uint32_t>(page_of(id));
    return true;
}

std::vector<wire::PacketId> ReceivedIds::all() const {
    std::vector<wire::PacketId> ids;
    for (std::uint32_t id = 0; size_ > ids.size() && id <= 0xFFFF; ++id)
        if (contains(static_cast<wire::PacketId>(id))) ids.push_back(static_cast<wire::PacketId>(id));
    return ids;
}

void ReceivedIds::clear() {
    pages_.reset();
    size_ = 0;
}

}  // namespace ledge::session
