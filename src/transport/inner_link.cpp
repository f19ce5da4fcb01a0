// InnerEnd and InnerLink: the two ends of a connection inside the process. Two ByteQueues connect them; both ends are
// used on the shard's thread.
#include "ledge/transport/inner_link.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/outbox.hpp"

namespace ledge::transport {

// ---------------------------------------------------------------------------------------------------------------------
// ByteQueue

std::size_t ByteQueue::push(Bytes bytes) {
    const std::size_t count = std::min(bytes.size(), room());
    if (count == 0) return 0;
    if (count > capacity_ - end_) make_room(count);
    std::memcpy(bytes_.get() + end_, bytes.data(), count);
    end_ += static_cast<std::uint32_t>(count);
    LEDGE_ASSERT(size() <= bytes_max_ && end_ <= capacity_);
    return count;
}

/// Makes room behind end_. Consumed bytes stay at the front until they are at least half of the memory. Each byte is
/// then moved at most once on average.
void ByteQueue::make_room(std::size_t count) {
    const std::size_t used = size();
    if (begin_ >= capacity_ / 2 && used + count <= capacity_) {
        std::memmove(bytes_.get(), bytes_.get() + begin_, used);
    } else {
        const std::size_t wanted = std::max<std::size_t>(used + count, std::size_t{capacity_} * 2);
        const auto capacity =
            static_cast<std::uint32_t>(std::max<std::size_t>(used + count, std::min<std::size_t>(wanted, bytes_max_)));
        auto larger = std::make_unique_for_overwrite<Byte[]>(capacity);
        if (used > 0) std::memcpy(larger.get(), bytes_.get() + begin_, used);
        bytes_ = std::move(larger);
        capacity_ = capacity;
    }
    begin_ = 0;
    end_ = static_cast<std::uint32_t>(used);
}

void ByteQueue::pop(std::size_t count) {
    LEDGE_ASSERT(count <= size());
    begin_ += static_cast<std::uint32_t>(count);
    if (empty()) clear();
}

void ByteQueue::clear() {
    // An idle connection needs no memory.
    bytes_.reset();
    capacity_ = begin_ = end_ = 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// The client's end

InnerEnd::InnerEnd(Driver& driver, const InnerLinkLimits& limits, InnerReadyList* ready)
    : driver_(driver), ready_(ready), to_core_(limits.to_core_bytes_max), to_client_(limits.to_client_bytes_max) {
    LEDGE_ASSERT(limits.to_core_bytes_max > 0 && limits.to_client_bytes_max > 0);
}

InnerEnd::~InnerEnd() { abort(); }

bool InnerEnd::open(const broker::Peer& peer) {
    LEDGE_ASSERT(!is_open());
    to_core_.clear();
    to_client_.clear();
    is_finishing_ = false;
    auto link = std::make_unique<InnerLink>(*this);
    // Set before adopt(): a refusal closes the link inside that call.
    link_ = link.get();
    return driver_.adopt(std::move(link), peer);  // if the shard refuses, close() sets link_ to nullptr
}

std::size_t InnerEnd::write(Bytes bytes) {
    if (!is_open() || is_finishing_ || link_->is_finished_) return 0;
    return to_core_.push(bytes);
}

void InnerEnd::abort() {
    if (is_open()) driver_.lost(*link_);
}

void InnerEnd::turn() {
    // First the output: it frees the outbox of the core, which may then want input again.
    if (is_open() && link_->is_writable_wanted_ && to_client_.room() > 0) {
        link_->is_writable_wanted_ = false;
        driver_.writable(*link_);
    }
    // One read per turn, as for a socket, so that a client that writes much does not delay the others.
    if (is_open() && link_->is_reading_ && !to_core_.empty()) {
        const std::size_t count = std::min<std::size_t>(to_core_.size(), link_->read_bytes_max());
        driver_.received(*link_, to_core_.front().first(count));
        // After the call, which uses the bytes in place.
        to_core_.pop(count);
    }
    if (!is_open()) return;
    // The core's last bytes are in to_client_ already, so no byte is lost when both directions end.
    if (link_->is_finished_ || (is_finishing_ && to_core_.empty())) driver_.lost(*link_);
}

bool InnerEnd::wants_turn() const {
    if (!is_open()) return false;
    const bool may_write = link_->is_writable_wanted_ && to_client_.room() > 0;
    const bool may_read = link_->is_reading_ && !to_core_.empty();
    return may_write || may_read || link_->is_finished_ || (is_finishing_ && to_core_.empty());
}

void InnerEnd::note_ready() {
    if (ready_ != nullptr && !is_linked()) ready_->push_back(*this);
}

// ---------------------------------------------------------------------------------------------------------------------
// The driver's end

void InnerLink::ask_writable() {
    is_writable_wanted_ = true;
    end_->note_ready();
}

void InnerLink::set_reading(bool is_wanted) {
    is_reading_ = is_wanted;
    if (is_wanted && !end_->to_core_.empty()) end_->note_ready();
}

void InnerLink::finish() {
    is_finished_ = true;
    end_->note_ready();  // turn() closes the link
}

Link::Wrote InnerLink::write(session::Outbox& outbox) {
    if (!outbox.empty()) end_->note_ready();
    while (!outbox.empty()) {
        std::array<Bytes, 8> parts;
        const std::size_t count = outbox.gather(parts);
        std::size_t wanted = 0;
        std::size_t accepted = 0;
        for (std::size_t i = 0; i < count; ++i) {
            wanted += parts[i].size();
            accepted += end_->to_client_.push(parts[i]);
        }
        LEDGE_ASSERT(accepted <= wanted);
        outbox.consume(accepted);
        if (accepted == wanted) continue;
        is_writable_wanted_ = true;
        return Wrote::part;
    }
    return Wrote::all;
}

void InnerLink::close() noexcept {
    // Either end may end first; the other one then has no partner.
    if (end_ == nullptr) return;
    end_->link_ = nullptr;
    end_->note_ready();
    end_ = nullptr;
}

}  // namespace ledge::transport
