// SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side of one exchange. The client proves that it knows the password
// without sending it, the server that it has the keys made from it; neither learns what would let it pass for the
// other.
//
//   client-first := ( "n" | "y" ) "," [ "a=" name ] "," bare         bare := "n=" name ",r=" nonce
//   server-first := "r=" both nonces ",s=" base64 salt ",i=" iterations
//   client-final := "c=" base64 of what stands before bare ",r=" both nonces ",p=" base64 proof
//   server-final := "v=" base64 signature
//
// Channel binding is not offered: "y" is as good as "n", "p=..." is refused. User names are compared byte by byte.
#pragma once

#include <string>
#include <string_view>

#include "ledge/auth/password_file.hpp"

namespace ledge::auth {

class ScramExchange {
public:
    static constexpr std::string_view method = "SCRAM-SHA-256";
    static constexpr std::size_t message_bytes_max = 4096;

    struct Reply {
        enum class Kind : std::uint8_t {
            challenge,  // `data` goes to the client, which answers
            success,    // `data` goes to the client with the good news
            malformed,  // not a message of SCRAM, or one that asks for what is not there
            wrong,      // the proof is wrong, or the user is unknown: which of the two is not told
        };
        Kind kind = Kind::malformed;
        std::string data;
        std::string_view problem;  // for the log and the client
    };

    /// `nonce`: printable, without ',', never the same twice and not to be foreseen. An unknown user is answered like a
    /// known one, always with the same salt, and fails at the end.
    Reply on_message(const PasswordFile& users, std::string_view message, std::string_view nonce);

    /// Who it claims to be, from the first message on.
    const std::string& user() const { return user_; }
    /// What the proof was held against.
    const PasswordHash& keys() const { return keys_; }

private:
    Reply on_first(const PasswordFile& users, std::string_view message, std::string_view nonce);
    Reply on_final(std::string_view message) const;
    bool is_proven(std::string_view auth_message, std::string_view proof) const;

    std::string user_;
    PasswordHash keys_;
    bool is_user_known_ = false;
    std::string header_;   // what stands before the bare message
    std::string nonce_;    // both; empty: the first message is awaited
    std::string history_;  // bare message, ",", answer
};

}  // namespace ledge::auth
