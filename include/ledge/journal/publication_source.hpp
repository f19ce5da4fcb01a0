// Who published a retained message: kept with it, so that it is withheld once that client may not publish it any more.
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

    /// source := has_user:u8 user:text16 client_id(rest). Into `out`, which is cleared first. Names that are too long
    /// for bytes_max become something that parse() refuses.
    Bytes encode(std::vector<Byte>& out) const;
    /// Borrows. Nothing when the bytes are no source.
    static std::optional<PublicationSource> parse(Bytes source);
};

/// Whether the source may publish to the topic by these rules. Without a source: yes.
bool may_still_publish(const std::optional<auth::Acl>& acl, Bytes source, std::string_view topic);

}  // namespace ledge::journal
