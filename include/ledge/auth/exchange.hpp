// Enhanced authentication (5.0 section 4.12): one exchange of messages with a client. There are two methods: SASL
// ANONYMOUS (RFC 4505), and, if there is a password file, SCRAM-SHA-256. A connection owns its exchange.
//
// A client of ANONYMOUS sends up to 255 characters of trace information, and gets the rights of an anonymous client.
// The method runs the whole exchange, with re-authentication. Rejected: a made-up challenge and response.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ledge/auth/identity.hpp"
#include "ledge/auth/scram.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::auth {

struct Policy;

class Exchange {
public:
    /// Starts an exchange. nullopt = the method is unknown, or no user could log in with this method.
    static std::optional<Exchange> start(const Policy& policy, std::string_view method);

    struct Reply {
        /// continue_authentication: `data` goes to the client, which must answer. success: `identity` is proven, and
        /// `data` goes to the client with the success. Any other code: the exchange has failed.
        wire::ReasonCode code = wire::ReasonCode::not_authorized;
        std::string data;
        std::string_view problem;  // why the exchange failed, for the log and the client
        Identity identity;
        bool is_guess = false;  // the failure counts as a wrong password
    };

    /// Processes the next message of the client. `rng` only needs to return other numbers for each exchange; the
    /// numbers need not be secret.
    Reply on_message(const Policy& policy, std::string_view message, bool is_anonymous_allowed, Rng& rng);

    /// Returns the user name that the client claims, or an empty text if the name is not known (yet).
    std::string_view user() const;

private:
    struct Anonymous {};

    explicit Exchange(std::variant<Anonymous, ScramExchange> method) : method_(std::move(method)) {}
    static Reply on_scram(ScramExchange& scram, const Policy& policy, std::string_view message, Rng& rng);

    std::variant<Anonymous, ScramExchange> method_;
};

}  // namespace ledge::auth
