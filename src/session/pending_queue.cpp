#include "ledge/session/pending_queue.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::session {

[[gnu::hot]] bool PendingQueue::fits(std::size_t bytes, bool is_stored, const SessionLimits& limits,
                                     std::optional<std::size_t> leaving) const {
    const std::size_t gone = leaving ? 1 : 0;
    const std::uint64_t more = bytes - std::min<std::uint64_t>(bytes, leaving.value_or(0));
    if (is_stored)
        return size() - gone < limits.queue_stored_messages_max &&
               this->bytes() + more <= limits.queue_stored_bytes_max;
    // One message always fits, so that a message up to max_packet_size_bytes can be delivered whatever queue_bytes_max
    // is.
    return loaded_.size() - gone < limits.queue_messages_max &&
           (loaded_.size() == gone || loaded_bytes_ + more <= limits.queue_bytes_max);
}

[[gnu::hot]] Delivery PendingQueue::pop(std::size_t index) {
    LEDGE_ASSERT(index < loaded_.size());
    // Only the front of a ring can be removed, so the delivery first moves there.
    for (; index > 0; --index) std::swap(loaded_[index], loaded_[index - 1]);
    Delivery delivery = loaded_.pop_front();
    LEDGE_ASSERT(loaded_bytes_ >= delivery.publication.bytes());
    loaded_bytes_ -= delivery.publication.bytes();
    return delivery;
}

// Rows grow from the front to the back. Deliveries of QoS 0 have no row and may stand anywhere between the others.
std::optional<std::size_t> PendingQueue::index_of(QueueRow row) const {
    LEDGE_ASSERT(row != no_row);
    std::size_t begin = 0;
    std::size_t end = loaded_.size();
    while (begin < end) {
        const std::size_t middle = begin + (end - begin) / 2;
        std::size_t at = middle;
        while (at > begin && loaded_[at].row == no_row) --at;
        if (loaded_[at].row == row) return at;
        if (loaded_[at].row < row)
            begin = middle + 1;
        else
            end = at;
    }
    return std::nullopt;
}

void PendingQueue::move_to_back(std::size_t count) {
    LEDGE_ASSERT(count <= loaded_.size());
    if (count == loaded_.size()) return;
    for (; count > 0; --count) loaded_.push_back(loaded_.pop_front());
}

bool PendingQueue::is_all_stored() const {
    for (std::size_t i = 0; i < loaded_.size(); ++i)
        if (!loaded_[i].is_stored) return false;
    return true;
}

void PendingQueue::put_back(QueueRow first_row, std::uint64_t rows, std::uint64_t bytes) {
    LEDGE_ASSERT(loaded_.empty());
    stored_from_ = first_row;
    stored_rows_ += rows;
    stored_bytes_ += bytes;
    earliest_expiry_ = never;
}

[[gnu::hot]] void PendingQueue::push(Delivery delivery) {
    loaded_bytes_ += delivery.publication.bytes();
    earliest_expiry_ = std::min(earliest_expiry_, delivery.publication.expires_at());
    loaded_.push_back(std::move(delivery));
}

bool PendingQueue::goes_to_tail(std::size_t bytes, const SessionLimits& limits) const {
    return stored_rows_ > 0 || loaded_.size() >= limits.queue_window_messages ||
           loaded_bytes_ + bytes > limits.queue_window_bytes;
}

void PendingQueue::push_stored(QueueRow row, std::size_t bytes) {
    if (stored_rows_ == 0) stored_from_ = row;
    ++stored_rows_;
    stored_bytes_ += bytes;
}

void PendingQueue::take_stored(QueueRow row, std::size_t bytes) {
    stored_from_ = row.next();
    drop_stored(bytes);
}

void PendingQueue::drop_stored(std::size_t bytes) {
    // The counts come from the store, where damage may have changed them, so they must not wrap around.
    stored_rows_ -= std::min<std::uint64_t>(stored_rows_, 1);
    stored_bytes_ -= std::min<std::uint64_t>(stored_bytes_, bytes);
}

void PendingQueue::restore(std::uint64_t rows, std::uint64_t bytes, QueueRow from) {
    stored_rows_ = rows;
    stored_bytes_ = bytes;
    stored_from_ = from;
}

}  // namespace ledge::session
