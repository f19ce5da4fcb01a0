#include "retained.hpp"

namespace ledge::broker {

namespace {
bool is_own(std::string_view topic) { return topic.starts_with("$SYS/"); }
}  // namespace

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
    account(publication.topic, replaced, publication.bytes());
    if (publication.expires_at != never) has_expiring_ = true;
    return true;
}

bool Retained::fits(const session::PublicationView& publication, std::size_t replaced_bytes, bool is_new) const {
    if (is_own(publication.topic)) return true;
    if (is_new && limited_messages_ >= limits_.messages_max) return false;
    return limited_bytes_ - replaced_bytes + publication.bytes() <= limits_.bytes_max;
}

// 0 bytes: there is, or was, no message.
void Retained::account(std::string_view topic, std::size_t bytes_before, std::size_t bytes_after) {
    bytes_ += bytes_after - bytes_before;
    if (is_own(topic)) return;
    limited_bytes_ += bytes_after - bytes_before;
    if (bytes_before == 0) ++limited_messages_;
    if (bytes_after == 0) --limited_messages_;
}

const session::Publication* Retained::find(topic::TopicId topic, Instant now) const {
    if (topic >= messages_.size() || !messages_[topic]) return nullptr;
    return messages_[topic].expires_at() <= now ? nullptr : &messages_[topic];
}

void Retained::remove(topic::TopicId topic) {
    account(messages_[topic].view().topic, messages_[topic].bytes(), 0);
    messages_[topic] = {};
    topics_.erase(topic);
}

void Retained::sweep(Instant now) {
    has_expiring_ = false;
    for (topic::TopicId topic = 0; topic < messages_.size(); ++topic) {
        if (!messages_[topic]) continue;
        if (messages_[topic].expires_at() <= now)
            remove(topic);
        else if (messages_[topic].expires_at() != never)
            has_expiring_ = true;
    }
}

}  // namespace ledge::broker
