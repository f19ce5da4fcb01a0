// Who a connected client is, and how that is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/acl.hpp"

namespace ledge::auth {

/// How a client has proven its name.
enum class Proof : std::uint8_t {
    none,      // not at all: anonymous
    tls,       // by a certificate or a pre-shared key, before CONNECT
    password,  // held against an entry of the password file
    token,     // signed with one of the keys
    hook,      // the authentication hook says so
};

struct Identity {
    std::optional<std::string> user;  // proven; nothing: anonymous
    Proof proof = Proof::none;
    std::uint64_t credential = 0;    // what it was proven with; changes when that is replaced. 0: none, tls
    std::vector<std::string> roles;  // that the proof itself gives, beside those of the ACL
    std::optional<Acl> granted;      // by a token: beyond this it may do nothing
    std::optional<Rights> rights;    // nothing: everything is allowed. Borrows `user`: do not move
};

}  // namespace ledge::auth
