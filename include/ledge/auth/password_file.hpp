// The password file: the users that may log in with a password. The format is that of mosquitto_passwd, extended with
// keys for SCRAM, which mosquitto cannot read. A PasswordFile does not change after it was parsed.
//
//   file := { line "\n" }
//   line := user ":" hash | "#" comment | ""       hash: see password_hash.hpp
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/password_hash.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

struct Problem;

/// True for a name that a password file can contain: 1 to 1024 bytes of UTF-8, without control characters and ':'. The
/// name must not begin with '#' or a blank, and must not end with a blank.
bool is_user_name(std::string_view name);

class PasswordFile {
public:
    static constexpr std::size_t user_bytes_max = 1024;

    struct Entry {
        std::string user;
        PasswordHash hash;
        std::uint32_t line = 0;
    };

    /// Parses a file. The error lists all problems of the file, up to problems_max.
    static Result<PasswordFile, std::vector<Problem>> parse(std::string_view text);

    const Entry* find(std::string_view user) const;
    /// Returns the hash that is computed for an unknown user, so that the time of an answer does not tell which users
    /// exist. The hash is one of the file, and always the same one for the same name. nullptr = the file has no users.
    const PasswordHash* decoy(std::string_view user) const;

    /// Returns made-up keys for a user without SCRAM keys. The salt is the same each time, and the number of iterations
    /// is that of some entry. The salt changes when the first user of the file (sorted by name) gets another password.
    PasswordHash scram_decoy(std::string_view user) const;

    std::size_t size() const { return entries_.size(); }

private:
    std::uint64_t number_of(std::string_view user) const;

    std::vector<Entry> entries_;  // sorted by user
};

/// Returns the text of a password file with a new entry for `user`, which replaces the old entry or is appended. All
/// other lines stay unchanged.
std::string with_password(std::string_view text, std::string_view user, const PasswordHash& hash);
/// Returns the text of a password file without the entry of `user`. All other lines stay unchanged.
std::string without_user(std::string_view text, std::string_view user);

}  // namespace ledge::auth
