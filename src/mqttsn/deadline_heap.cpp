#include "ledge/mqttsn/deadline_heap.hpp"

#include <utility>

namespace ledge::mqttsn {

void DeadlineHeap::set(std::uint32_t id, Instant deadline) {
    if (id >= places_.size()) {
        if (deadline == never) return;
        places_.resize(std::size_t{id} + 1, nowhere);
    }
    std::uint32_t place = places_[id];
    if (deadline == never) {
        if (place != nowhere) remove(place);
        return;
    }
    if (place == nowhere) {
        place = static_cast<std::uint32_t>(heap_.size());
        heap_.push_back({});
    }
    put(place, {deadline, id});
    sift(place);
}

std::optional<std::uint32_t> DeadlineHeap::pop_due(Instant now) {
    if (heap_.empty() || heap_.front().deadline > now) return std::nullopt;
    const std::uint32_t id = heap_.front().id;
    remove(0);
    return id;
}

void DeadlineHeap::remove(std::uint32_t place) {
    places_[heap_[place].id] = nowhere;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;  // it was the last one
    put(place, last);
    sift(place);
}

void DeadlineHeap::put(std::uint32_t place, const Entry& entry) {
    heap_[place] = entry;
    places_[entry.id] = place;
}

/// Moves an entry up or down until no parent is later than its children.
void DeadlineHeap::sift(std::uint32_t place) {
    const Entry entry = heap_[place];
    while (place > 0 && entry.deadline < heap_[(place - 1) / 2].deadline) {
        put(place, heap_[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        std::uint32_t child = 2 * place + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1].deadline < heap_[child].deadline) ++child;
        if (heap_[child].deadline >= entry.deadline) break;
        put(place, heap_[child]);
        place = child;
    }
    put(place, entry);
}

}  // namespace ledge::mqttsn
