// The identity of a connected client, and how the client has proven it. The connection owns it until its session does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/acl.hpp"

namespace ledge::auth {

/// How a client has proven its name.
enum class Proof : std::uint8_t {
    none,      // no proof: the client is anonymous
    tls,       // by a certificate or a pre-shared key, before CONNECT
    password,  // by the password of an entry of the password file
    token,     // by a token that one of the keys has signed
    hook,      // by the answer of the authentication hook
    program,   // not at all: the client is a part of this program, such as a bridge
};

struct Identity {
    std::optional<std::string> user;  // the proven user name; nullopt = anonymous
    Proof proof = Proof::none;
    std::uint64_t credential = 0;    // identifies the password, key or hook that proved the name; 0 for none and tls
    std::vector<std::string> roles;  // roles from the token or the hook, in addition to those of the ACL
    std::optional<Acl> granted;      // the acl claim of a token; only this claim then grants access
};

}  // namespace ledge::auth
