// Parses and edits a password file, and chooses the stand-ins for unknown users.
#include "ledge/auth/password_file.hpp"

#include <algorithm>

#include "ledge/auth/hmac.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::auth {
namespace {

/// The user of a line "user:hash"; empty for a comment, an empty line, or a line that is not an entry.
std::string_view user_of(std::string_view line) {
    if (line.starts_with('#')) return {};
    const std::size_t colon = line.find(':');
    return colon == std::string_view::npos ? std::string_view() : line.substr(0, colon);
}

/// Reads a line that is neither a comment nor empty. Returns an empty text, or what is wrong with the line.
std::string read_entry(std::string_view line, PasswordFile::Entry& entry) {
    if (line.size() > text_line_bytes_max) return "is longer than " + std::to_string(text_line_bytes_max) + " bytes";
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return "is not USER:HASH; `ledgemq passwd FILE USER` writes such lines";
    if (!is_user_name(line.substr(0, colon)))
        return "has an invalid user name; a name has 1 to 1024 bytes of text without control characters";
    const auto hash = parse_password_hash(line.substr(colon + 1));
    if (!hash)
        return "has no hash of the form $7$ITERATIONS$SALT$DIGEST, $6$SALT$DIGEST or "
               "SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER behind the user; `ledgemq passwd FILE USER` writes one";
    entry.user = line.substr(0, colon);
    entry.hash = *hash;
    return {};
}

/// Replaces the first line of `user` by `new_line`, removes the user's other lines, and appends `new_line` if the user
/// had no line. An empty `new_line` only removes.
std::string rewrite(std::string_view text, std::string_view user, std::string_view new_line) {
    std::string out;
    bool is_written = new_line.empty();
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (user_of(line) != user) {
            out.append(line).append("\n");
        } else if (!is_written) {
            out.append(new_line).append("\n");
            is_written = true;
        }
    }
    if (!is_written) out.append(new_line).append("\n");
    return out;
}

}  // namespace

bool is_user_name(std::string_view name) {
    if (name.empty() || name.size() > PasswordFile::user_bytes_max || !wire::is_valid_utf8(name)) return false;
    // ':' ends the name in the file.
    const auto is_refused = [](char c) {
        return c == ':' || static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    };
    if (std::ranges::any_of(name, is_refused)) return false;
    return name.front() != '#' && !Lines::is_blank(name.front()) && !Lines::is_blank(name.back());
}

Result<PasswordFile, std::vector<Problem>> PasswordFile::parse(std::string_view text) {
    std::vector<Problem> problems;
    if (text.size() > text_file_bytes_max)
        problems.push_back({1, "the file is larger than " + std::to_string(text_file_bytes_max) + " bytes"});
    PasswordFile file;
    Lines lines(problems.empty() ? text : std::string_view());
    for (std::string_view line; lines.next(line) && problems.size() < problems_max;) {
        if (line.empty() || line.starts_with('#')) continue;
        Entry entry;
        entry.line = lines.number();
        std::string problem = read_entry(line, entry);
        if (problem.empty())
            file.entries_.push_back(std::move(entry));
        else
            problems.push_back({lines.number(), std::move(problem)});
    }
    // After sorting, the entries of one user are neighbours.
    // Stable, so that the complaint names the later line of a user as the mistake.
    std::ranges::stable_sort(file.entries_, {}, &Entry::user);
    for (std::size_t i = 1; i < file.entries_.size() && problems.size() < problems_max; ++i) {
        if (file.entries_[i].user != file.entries_[i - 1].user) continue;
        problems.push_back(
            {file.entries_[i].line, "names the same user as line " + std::to_string(file.entries_[i - 1].line)});
    }
    if (!problems.empty()) return Failure{std::move(problems)};
    return file;
}

const PasswordFile::Entry* PasswordFile::find(std::string_view user) const {
    const auto found =
        std::ranges::lower_bound(entries_, user, {}, [](const Entry& e) -> std::string_view { return e.user; });
    return found != entries_.end() && found->user == user ? &*found : nullptr;
}

/// A number for a name. Nobody can compute the number without the file. The file must have entries.
std::uint64_t PasswordFile::number_of(std::string_view user) const {
    LEDGE_ASSERT(!entries_.empty());
    std::uint64_t number = 0xcbf2'9ce4'8422'2325U;  // FNV-1a over a secret of the file, then over the name
    const auto mix = [&](Byte byte) { number = (number ^ byte) * 0x100'0000'01b3U; };
    for (const Byte byte : entries_.front().hash.digest) mix(byte);
    for (const Byte byte : as_bytes(user)) mix(byte);
    return number ^ (number >> 32U);
}

const PasswordHash* PasswordFile::decoy(std::string_view user) const {
    return entries_.empty() ? nullptr : &entries_[number_of(user) % entries_.size()].hash;
}

PasswordHash PasswordFile::scram_decoy(std::string_view user) const {
    PasswordHash keys;
    keys.scheme = PasswordHash::Scheme::scram_sha256;
    keys.iterations = PasswordHash::scram_iterations_new;
    keys.salt_size = PasswordHash::scram_salt_bytes_new;
    const auto is_scram = [](const Entry& e) { return e.hash.scheme == PasswordHash::Scheme::scram_sha256; };
    // Use the iterations and the salt size of a real entry, so that made-up keys look like real ones.
    if (const auto count = static_cast<std::uint64_t>(std::ranges::count_if(entries_, is_scram)); count > 0) {
        auto like = std::ranges::find_if(entries_, is_scram);
        for (std::uint64_t i = number_of(user) % count; i > 0; --i)
            like = std::find_if(like + 1, entries_.end(), is_scram);
        keys.iterations = like->hash.iterations;
        keys.salt_size = like->hash.salt_size;
    }
    // The salt follows from the name and a secret of the file, so the same name always gets the same salt.
    const Bytes secret = entries_.empty() ? Bytes() : Bytes(entries_.front().hash.digest);
    Digest256 block = hmac_sha256(secret, as_bytes(user));
    for (std::size_t i = 0; i < keys.salt_size; ++i) {
        if (i % block.size() == 0) block = hmac_sha256(secret, block);
        keys.salt[i] = block[i % block.size()];
    }
    return keys;
}

std::string with_password(std::string_view text, std::string_view user, const PasswordHash& hash) {
    return rewrite(text, user, std::string(user) + ":" + to_text(hash));
}

std::string without_user(std::string_view text, std::string_view user) { return rewrite(text, user, {}); }

}  // namespace ledge::auth
