// Publication: builds and reads the blob with its head, topic, properties, payload and source.
#include "ledge/journal/publication.hpp"

#include <cstring>
#include <new>

#include "ledge/base/assert.hpp"

namespace ledge::journal {

namespace {
constexpr std::uint32_t properties_size_mask = (1U << 29U) - 1;  // larger than any packet (5.0 section 2.1.4)
constexpr std::uint32_t qos_mask = 3;
}  // namespace

[[gnu::hot]] Publication::Publication(const PublicationView& view, std::uint64_t* account) {
    LEDGE_ASSERT(view.topic.size() <= 0xFFFF);   // a topic is a UTF-8 string (5.0 section 1.5.4)
    LEDGE_ASSERT(view.source.size() <= 0xFFFF);  // PublicationSource::bytes_max
    auto [blob, place] = Blob::make(sizeof(Head) + view.bytes() + view.source.size(), account);
    new (place) Head{view.expires_at,
                     no_message,
                     no_ticket,
                     static_cast<std::uint32_t>(view.properties.size() & properties_size_mask),
                     static_cast<std::uint32_t>(view.qos) & qos_mask,
                     view.retain ? 1U : 0U,
                     static_cast<std::uint16_t>(view.topic.size()),
                     static_cast<std::uint16_t>(view.source.size())};
    // The head has no size of the payload: view() computes it from the size of the blob.
    Byte* at = place + sizeof(Head);
    for (Bytes part : {as_bytes(view.topic), view.properties, view.payload, view.source}) {
        if (!part.empty()) std::memcpy(at, part.data(), part.size());
        at += part.size();
    }
    blob_ = std::move(blob);
}

[[gnu::hot]] PublicationView Publication::view() const {
    const Head& h = head();
    const Bytes body = blob_.bytes().subspan(sizeof(Head));
    const std::size_t head_size = std::size_t{h.topic_size} + h.properties_size;
    return {as_text(body.first(h.topic_size)),
            body.subspan(head_size, body.size() - head_size - h.source_size),
            body.subspan(h.topic_size, h.properties_size),
            h.expires_at,
            static_cast<wire::QoS>(h.qos),
            h.retain != 0,
            body.last(h.source_size)};
}

}  // namespace ledge::journal
