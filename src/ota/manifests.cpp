#include "manifests.hpp"

#include <algorithm>
#include <utility>

#include "messages.hpp"

namespace ledge::ota {

void Manifests::note_retained(std::string_view topic, Bytes payload) {
    if (known_.size() < known_max)
        known_.insert_or_assign(std::string(topic), std::vector(payload.begin(), payload.end()));
}

void Manifests::published(const Publication& publication, wire::PacketId packet_id) {
    unanswered_.insert_or_assign(packet_id, publication.topic);
    if (publication.payload.empty())
        known_.erase(publication.topic);
    else
        known_.insert_or_assign(publication.topic, publication.payload);
}

bool Manifests::is_refused(const client::PublishDone& done) {
    const auto found = unanswered_.find(done.packet_id);
    if (found == unanswered_.end()) return false;
    const std::string topic = std::move(found->second);
    unanswered_.erase(found);
    const bool is_done = done.how == client::PublishDone::How::answered && !wire::is_error(done.code);
    // An earlier manifest may still be retained. No manifest is empty, so an empty one differs from what is wanted, and
    // is removed when nothing is wanted.
    if (!is_done) known_.insert_or_assign(topic, std::vector<Byte>());
    return !is_done;
}

std::string_view Manifests::name_of(std::string_view topic) const {
    return topic.substr(topic.starts_with(image_prefix_) ? image_prefix_.size() : manifest_prefix_.size());
}

std::vector<Publication> Manifests::differences(const ImageFolder& folder) const {
    std::map<std::string, std::vector<Byte>, std::less<>> wanted;
    for (const Image* const image : folder.newest()) {
        const std::string text = manifest_text(image->size, image->digest, image->version);
        const Bytes bytes = as_bytes(text);
        wanted.emplace(image_prefix_ + image->name, std::vector(bytes.begin(), bytes.end()));
        wanted.emplace(manifest_prefix_ + image->name, manifest_bytes(image->size, image->digest, image->version));
    }
    std::vector<Publication> all;
    for (auto& [topic, payload] : wanted) {
        const auto known = known_.find(topic);
        if (known == known_.end() || known->second != payload) all.push_back({topic, payload});
    }
    for (const auto& [topic, payload] : known_)
        if (!wanted.contains(topic) && !folder.is_pending(name_of(topic))) all.push_back({topic, {}});
    return all;
}

}  // namespace ledge::ota
