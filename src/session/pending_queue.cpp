#include "ledge/session/pending_queue.hpp"

#include <algorithm>

namespace ledge::session {

bool PendingQueue::fits(std::size_t bytes, bool is_stored, const SessionLimits& limits) const {
    if (is_stored)
        return size() < limits.queue_stored_messages_max && this->bytes() + bytes <= limits.queue_stored_bytes_max;
    return loaded_.size() < limits.queue_messages_max && loaded_bytes_ + bytes <= limits.queue_bytes_max;
}

Delivery PendingQueue::pop() {
    Delivery delivery = loaded_.pop_front();
    loaded_bytes_ -= delivery.publication.bytes();
    return delivery;
}

bool PendingQueue::is_all_stored() const {
    for (std::size_t i = 0; i < loaded_.size(); ++i)
        if (loaded_[i].row == 0) return false;
    return true;
}

void PendingQueue::put_back(std::uint64_t first_row, std::uint64_t rows, std::uint64_t bytes) {
    stored_from_ = first_row;
    stored_rows_ += rows;
    stored_bytes_ += bytes;
    earliest_expiry_ = never;
}

void PendingQueue::push(Delivery delivery) {
    loaded_bytes_ += delivery.publication.bytes();
    earliest_expiry_ = std::min(earliest_expiry_, delivery.publication.expires_at());
    loaded_.push_back(std::move(delivery));
}

bool PendingQueue::goes_to_tail(std::size_t bytes, const SessionLimits& limits) const {
    return stored_rows_ > 0 || loaded_.size() >= limits.queue_window_messages ||
           loaded_bytes_ + bytes > limits.queue_window_bytes;
}

void PendingQueue::push_stored(std::uint64_t row, std::size_t bytes) {
    if (stored_rows_ == 0) stored_from_ = row;
    ++stored_rows_;
    stored_bytes_ += bytes;
}

void PendingQueue::take_stored(std::uint64_t row, std::size_t bytes) {
    stored_from_ = row + 1;
    stored_rows_ -= std::min<std::uint64_t>(stored_rows_, 1);
    stored_bytes_ -= std::min<std::uint64_t>(stored_bytes_, bytes);
}

void PendingQueue::restore(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from) {
    stored_rows_ = rows;
    stored_bytes_ = bytes;
    stored_from_ = from;
}

}  // namespace ledge::session
