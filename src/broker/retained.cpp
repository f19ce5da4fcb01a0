#include "retained.hpp"

namespace ledge::broker {

bool Retained::store(const session::PublicationView& publication) {
    const auto known = topics_.find(publication.topic);
    if (publication.payload.empty()) {
        if (known) remove(*known);
        return true;
    }
    const std::size_t replaced = known ? messages_[*known].bytes() : 0;
    if (!fits(publication, replaced, !known)) return false;
    const topic::TopicId topic = known ? *known : topics_.insert(publication.topic).id;
    if (messages_.size() <= topic) messages_.resize(topic + 1);
    messages_[topic] = session::Publication(publication);
    bytes_ += publication.bytes() - replaced;
    if (publication.expires_at != never) has_expiring_ = true;
    return true;
}

bool Retained::fits(const session::PublicationView& publication, std::size_t replaced_bytes, bool is_new) const {
    if (publication.topic.starts_with('$')) return true;
    if (is_new && topics_.size() >= limits_.messages_max) return false;
    return bytes_ - replaced_bytes + publication.bytes() <= limits_.bytes_max;
}

const session::Publication* Retained::find(topic::TopicId topic, Instant now) const {
    if (topic >= messages_.size() || !messages_[topic]) return nullptr;
    return messages_[topic].expires_at() <= now ? nullptr : &messages_[topic];
}

void Retained::remove(topic::TopicId topic) {
    bytes_ -= messages_[topic].bytes();
    messages_[topic] = {};
    topics_.erase(topic);
}

void Retained::sweep(Instant now) {
    has_expiring_ = false;
    for (topic::TopicId topic = 0; topic < messages_.size(); ++topic) {
        if (!messages_[topic]) continue;
        if (messages_[topic].expires_at() <= now) remove(topic);
        else if (messages_[topic].expires_at() != never) has_expiring_ = true;
    }
}

}  // namespace ledge::broker
