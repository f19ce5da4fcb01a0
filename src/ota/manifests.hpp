// Manifests: the retained messages that announce the images, two for each name:
//
//     PREFIX/manifest/NAME     for devices: bytes, see messages.hpp
//     PREFIX/image/NAME        for people and programs: {"version":"1.2","size":65536,"sha256":"...","id":"..."}
//
// Only what differs from the retained message at the broker is published, so a restart wakes no device. To know what is
// retained, also from an earlier process, the server subscribes to its own topics. Owned by OtaServer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "image_folder.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/client/event.hpp"

namespace ledge::ota {

struct Publication {
    std::string topic;
    std::vector<Byte> payload;  // empty = the retained message is removed
};

class Manifests {
public:
    static constexpr std::size_t known_max = 4096;  // retained messages below the topics, also of strangers

    explicit Manifests(const std::string& prefix)
        : manifest_prefix_(prefix + "/manifest/"), image_prefix_(prefix + "/image/") {}

    bool is_own(std::string_view topic) const {
        return topic.starts_with(manifest_prefix_) || topic.starts_with(image_prefix_);
    }
    /// The broker has told a retained message of an own topic.
    void note_retained(std::string_view topic, Bytes payload);
    /// What is to be published now. A name whose files are still looked at is left as it is.
    std::vector<Publication> differences(const ImageFolder& folder) const;
    /// One of the differences was published with this packet id.
    void published(const Publication& publication, wire::PacketId packet_id);
    /// The broker has answered the publication, or it was given up. True = it was one of these, and has changed nothing
    /// at the broker, as far as is known: its topic is one of the differences again.
    bool is_refused(const client::PublishDone& done);

private:
    std::string_view name_of(std::string_view topic) const;

    std::string manifest_prefix_;
    std::string image_prefix_;
    std::map<std::string, std::vector<Byte>, std::less<>> known_;  // retained, by topic; empty = not known
    std::map<wire::PacketId, std::string> unanswered_;             // topics of publications
};

}  // namespace ledge::ota
