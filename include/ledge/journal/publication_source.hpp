// PublicationSource: the client that published a retained message. The source is kept with the message. When the client
// loses the right to publish to the topic, the broker no longer delivers the message.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {
class Acl;
}  // namespace ledge::auth

namespace ledge::journal {

struct PublicationSource {
    std::optional<std::string_view> user;
    std::string_view client_id;

    static constexpr std::size_t bytes_max = 65'535;

    /// Clears `out` and writes the source into it: source := has_user:u8 user:text16 client_id(rest). Names that are
    /// too long for bytes_max become one byte, which parse() refuses: any ACL then withholds the message.
    Bytes encode(std::vector<Byte>& out) const;
    /// The result borrows from `source`. Returns nothing when the bytes are not a source.
    static std::optional<PublicationSource> parse(Bytes source);
};

/// Whether the rules allow the source to publish to the topic. True without rules, and for an empty source.
bool may_still_publish(const std::optional<auth::Acl>& acl, Bytes source, std::string_view topic);

}  // namespace ledge::journal
