// The two steps of a SCRAM exchange on the server's side.
#include "ledge/auth/scram.hpp"

#include <algorithm>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/base64.hpp"
#include "ledge/base/constant_time.hpp"
#include "ledge/base/wipe.hpp"

namespace ledge::auth {
namespace {

using Reply = ScramExchange::Reply;

constexpr std::size_t nonce_bytes_max = 256;  // limit of the client's nonce

Reply malformed(std::string_view problem) { return {Reply::Kind::malformed, {}, problem}; }

/// Removes the text up to the next ',' from `rest`, together with the ',', and returns the text.
std::string_view next_attribute(std::string_view& rest) {
    const std::string_view attribute = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(attribute.size() + 1, rest.size()));
    return attribute;
}

bool is_nonce(std::string_view text) {
    const auto is_printable = [](char c) { return c > 0x20 && c < 0x7F && c != ','; };
    return !text.empty() && text.size() <= nonce_bytes_max && std::ranges::all_of(text, is_printable);
}

/// Decodes a name in which "=2C" and "=3D" stand for ',' and '='. False = another '=' is in the name, or the name is
/// not a valid user name.
bool decode_name(std::string_view text, std::string& name) {
    while (!text.empty()) {
        const std::string_view code = text.substr(0, 3);
        const bool is_escaped = text.front() == '=';
        if (is_escaped && code != "=2C" && code != "=3D") return false;
        name += !is_escaped ? text.front() : code == "=2C" ? ',' : '=';
        text.remove_prefix(is_escaped ? 3 : 1);
    }
    return is_user_name(name);
}

Bytes stored_key(const PasswordHash& keys) { return Bytes(keys.digest).first(PasswordHash::scram_key_bytes); }
Bytes server_key(const PasswordHash& keys) { return Bytes(keys.digest).last(PasswordHash::scram_key_bytes); }

}  // namespace

Reply ScramExchange::on_message(const PasswordFile& users, std::string_view message, std::string_view nonce) {
    if (message.size() > message_bytes_max) return malformed("the SCRAM message is too long");
    return nonce_.empty() ? on_first(users, message, nonce) : on_final(message);
}

/// message := ("n" | "y") "," ["a=" name] "," "n=" name "," "r=" nonce ["," extensions] (RFC 5802 section 7). "y": the
/// client supports channel binding, but thinks that the server does not.
Reply ScramExchange::on_first(const PasswordFile& users, std::string_view message, std::string_view nonce) {
    LEDGE_ASSERT(!nonce.empty());
    std::string_view rest = message;
    const std::string_view binding = next_attribute(rest);
    if (binding.starts_with("p=")) return malformed("SCRAM channel binding is not supported");
    if (binding != "n" && binding != "y") return malformed("not the first message of SCRAM");
    const std::string_view authorization = next_attribute(rest);
    // The final message repeats this header in "c=", so that a change of the header on the way is noticed (RFC 5802
    // section 5.1).
    header_ = message.substr(0, message.size() - rest.size());
    const std::string_view bare = rest;
    const std::string_view name = next_attribute(rest);
    const std::string_view client_nonce = next_attribute(rest);
    if (name.starts_with("m=")) return malformed("SCRAM extensions are not supported");
    if (!name.starts_with("n=") || !client_nonce.starts_with("r=") || !is_nonce(client_nonce.substr(2)))
        return malformed("not the first message of SCRAM");
    if (!decode_name(name.substr(2), user_)) return malformed("the SCRAM user name is not valid");
    if (!authorization.empty() && authorization != "a=" + std::string(name.substr(2)))
        return malformed("SCRAM as one user on behalf of another is not supported");

    // A user without SCRAM keys gets made-up keys, so that the answer does not tell which users exist.
    const PasswordFile::Entry* entry = users.find(user_);
    is_user_known_ = entry != nullptr && entry->hash.scheme == PasswordHash::Scheme::scram_sha256;
    keys_ = is_user_known_ ? entry->hash : users.scram_decoy(user_);
    nonce_ = std::string(client_nonce.substr(2)).append(nonce);
    const std::string answer = "r=" + nonce_ + ",s=" + encode_base64(Bytes(keys_.salt).first(keys_.salt_size)) +
                               ",i=" + std::to_string(keys_.iterations);
    history_ = std::string(bare) + "," + answer;
    return {Reply::Kind::challenge, answer, {}};
}

/// message := "c=" base64 "," "r=" nonce ["," extensions] ",p=" base64 (RFC 5802 section 7).
Reply ScramExchange::on_final(std::string_view message) const {
    // The proof is the last attribute. The proof covers everything before it.
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos) return malformed("not the final message of SCRAM");
    const std::string_view without_proof = message.substr(0, proof_at);
    std::string_view rest = without_proof;
    const std::string_view binding = next_attribute(rest);
    const std::string_view nonce = next_attribute(rest);
    if (binding != "c=" + encode_base64(as_bytes(header_))) return malformed("the SCRAM channel binding has changed");
    if (nonce != "r=" + nonce_) return malformed("the SCRAM nonce has changed");
    const std::string auth_message = history_ + "," + std::string(without_proof);
    if (!is_proven(auth_message, message.substr(proof_at + 3)))
        return {Reply::Kind::wrong, {}, "wrong user name or password"};
    // The signature proves to the client that the server knows the keys of the user, too.
    return {Reply::Kind::success, "v=" + encode_base64(hmac_sha256(server_key(keys_), as_bytes(auth_message))), {}};
}

/// The proof is ClientKey XOR HMAC(StoredKey, AuthMessage), and StoredKey is the hash of ClientKey.
bool ScramExchange::is_proven(std::string_view auth_message, std::string_view proof) const {
    const auto given = decode_base64(proof);
    Digest256 client_key = hmac_sha256(stored_key(keys_), as_bytes(auth_message));
    if (!given || given->size() != client_key.size()) return false;
    for (std::size_t i = 0; i < client_key.size(); ++i)
        client_key[i] = static_cast<Byte>(client_key[i] ^ static_cast<Byte>((*given)[i]));
    const bool is_right = are_equal_in_constant_time(sha256(client_key), stored_key(keys_));
    wipe(client_key.data(), client_key.size());
    return is_right && is_user_known_;
}

}  // namespace ledge::auth
