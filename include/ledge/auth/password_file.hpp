// The password file: who may log in. The format of mosquitto_passwd, and keys for SCRAM, which mosquitto does not read.
//
//   file := { line "\n" }
//   line := user ":" hash | "#" comment | ""       hash: see password_hash.hpp
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/password_hash.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

/// A name that can stand in a password file: 1 to 1024 bytes of UTF-8 without control characters and ':', neither
/// beginning with '#' or a blank nor ending with a blank.
bool is_user_name(std::string_view name);

class PasswordFile {
public:
    static constexpr std::size_t user_bytes_max = 1024;

    struct Entry {
        std::string user;
        PasswordHash hash;
        std::uint32_t line = 0;
    };

    /// Everything that is wrong, up to problems_max.
    static Result<PasswordFile, std::vector<Problem>> parse(std::string_view text);

    const Entry* find(std::string_view user) const;
    /// The hash whose cost an unknown user is made to wait for: one of the file, always the same for the same name, so
    /// that the time of an answer does not tell which users exist. nullptr: the file has no users.
    const PasswordHash* stand_in(std::string_view user) const;

    /// The keys that stand in for those of a user who has none: the same salt each time, as many iterations as some
    /// entry has. That salt changes when the first user of the file (in order of the names) gets another password.
    PasswordHash scram_stand_in(std::string_view user) const;

    std::size_t size() const { return entries_.size(); }

private:
    std::uint64_t number_of(std::string_view user) const;

    std::vector<Entry> entries_;  // in order of the user
};

/// The text of a password file with the entry of `user` replaced or appended; every other line stays as it is.
std::string with_password(std::string_view text, std::string_view user, const PasswordHash& hash);
/// The same without the entry of `user`.
std::string without_user(std::string_view text, std::string_view user);

}  // namespace ledge::auth
