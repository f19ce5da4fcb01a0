// IdleBuffers: two lists of connections. An awake connection was active since the last look, or could not give back its
// buffers; a resting connection has given them back and costs no further look.
#include "ledge/net/idle_buffers.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::net {

BufferHolder::~BufferHolder() {
    if (place_ == nullptr) return;
    // The hook must leave the right list, because each list counts its elements.
    IdleBuffers::List& list = is_resting_ ? place_->resting_ : place_->awake_;
    list.erase(list.iterator_to(*this));
}

void BufferHolder::mark_active() {
    was_active_ = true;
    // A resting connection gets its buffers back, so the next look must consider it again.
    if (!std::exchange(is_resting_, false) || place_ == nullptr) return;
    place_->awake_.splice(place_->awake_.end(), place_->resting_, place_->resting_.iterator_to(*this));
}

IdleBuffers::~IdleBuffers() {
    for (List* list : {&awake_, &resting_}) {
        // The holders outlive this object; their destructors must not touch the lists.
        list->clear_and_dispose([](BufferHolder* link) { link->place_ = nullptr; });
    }
}

void IdleBuffers::add(BufferHolder& link, Instant now) {
    // Otherwise the new connection would be looked at immediately.
    if (awake_.empty() && look_at_ <= now) look_at_ = now + interval;
    LEDGE_ASSERT(link.place_ == nullptr);
    link.place_ = this;
    link.was_active_ = true;
    awake_.push_back(link);
}

std::vector<TlsSession*> IdleBuffers::sessions() {
    std::vector<TlsSession*> out;
    for (List* list : {&awake_, &resting_}) {
        for (BufferHolder& link : *list) {
            if (TlsSession* session = link.session(); session != nullptr) out.push_back(session);
        }
    }
    return out;
}

void IdleBuffers::on_time(Instant now) {
    if (look_at_ > now) return;
    look_at_ = now + interval;
    for (auto it = awake_.begin(); it != awake_.end();) {
        BufferHolder& link = *it++;  // the iterator moves on first, because the link may move to the other list
        // Rests only after a whole interval without activity. rest() refuses while a record is half received or half
        // sent.
        if (std::exchange(link.was_active_, false) || !link.rest()) continue;
        link.is_resting_ = true;
        resting_.splice(resting_.end(), awake_, awake_.iterator_to(link));
    }
}

}  // namespace ledge::net
