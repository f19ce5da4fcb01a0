// PublicationSource: the bytes of a source, and whether its client may still publish.
#include "ledge/journal/publication_source.hpp"

#include "ledge/auth/acl.hpp"
#include "ledge/auth/rights.hpp"

namespace ledge::journal {

Bytes PublicationSource::encode(std::vector<Byte>& out) const {
    const std::string_view name = user.value_or("");
    out.clear();
    // One byte is shorter than every source, so parse() refuses it.
    if (3 + name.size() + client_id.size() > bytes_max) {
        out.push_back(0);
        return {out.data(), out.size()};
    }
    out.push_back(user ? 1 : 0);
    out.push_back(static_cast<Byte>(name.size() >> 8U));
    out.push_back(static_cast<Byte>(name.size() & 0xFFU));
    for (const Bytes part : {as_bytes(name), as_bytes(client_id)}) out.insert(out.end(), part.begin(), part.end());
    return {out.data(), out.size()};
}

std::optional<PublicationSource> PublicationSource::parse(Bytes source) {
    if (source.size() < 3) return std::nullopt;
    const std::size_t user_size = static_cast<std::size_t>(source[1]) << 8U | source[2];
    const std::string_view rest = as_text(source.subspan(3));
    if (rest.size() < user_size) return std::nullopt;
    PublicationSource parsed;
    if (source[0] != 0) parsed.user = rest.substr(0, user_size);
    parsed.client_id = rest.substr(user_size);
    return parsed;
}

bool may_still_publish(const std::optional<auth::Acl>& acl, Bytes source, std::string_view topic) {
    if (!acl || source.empty()) return true;
    // A source that cannot be read names nobody whose rights could be checked: the message is withheld.
    const auto parsed = PublicationSource::parse(source);
    return parsed && auth::Rights(*acl, parsed->user, parsed->client_id).may_publish(topic);
}

}  // namespace ledge::journal
