// SCRAM-SHA-256 (RFC 5802, RFC 7677): the server's side of one exchange. The client proves that it knows the password,
// without sending the password. The server proves that it has the keys made from the password. Neither side learns
// enough to impersonate the other. A connection owns its exchange.
//
//   client-first := ( "n" | "y" ) "," [ "a=" name ] "," bare         bare := "n=" name ",r=" nonce
//   server-first := "r=" both nonces ",s=" base64 salt ",i=" iterations
//   client-final := "c=" base64 of the text before bare ",r=" both nonces ",p=" base64 proof
//   server-final := "v=" base64 signature
//
// The server does not support channel binding: "y" is treated as "n", and "p=..." is refused. User names are compared
// byte by byte.
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
            challenge,  // `data` goes to the client, which must answer
            success,    // `data` goes to the client with the success
            malformed,  // not a message of SCRAM, or a request for something that the server does not support
            wrong,      // the proof is wrong or the user is unknown; the reply does not tell which
        };
        Kind kind = Kind::malformed;
        std::string data;
        std::string_view problem;  // why the exchange failed, for the log and the client
    };

    /// Processes a message of the client. `nonce` must be printable text without ',', never used before, and
    /// unpredictable. An unknown user gets the same answers as a known one, always with the same salt, and fails at the
    /// end.
    Reply on_message(const PasswordFile& users, std::string_view message, std::string_view nonce);

    /// Returns the user name that the client claims; known from the first message on.
    const std::string& user() const { return user_; }
    /// Returns the keys that checked the proof.
    const PasswordHash& keys() const { return keys_; }

private:
    Reply on_first(const PasswordFile& users, std::string_view message, std::string_view nonce);
    Reply on_final(std::string_view message) const;
    bool is_proven(std::string_view auth_message, std::string_view proof) const;

    std::string user_;
    PasswordHash keys_;
    bool is_user_known_ = false;
    std::string header_;   // the part of client-first before `bare`
    std::string nonce_;    // both nonces; empty = the first message has not arrived
    std::string history_;  // bare "," server-first
};

}  // namespace ledge::auth
