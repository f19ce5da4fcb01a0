// Enhanced authentication (5.0 section 4.12): one exchange of messages with a client, of whichever method. Two are
// built in: SASL ANONYMOUS (RFC 4505), and SCRAM-SHA-256 where there is a password file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/scram.hpp"
#include "ledge/base/rng.hpp"

namespace ledge::auth {

class Exchange {
public:
    /// Nothing: the method is not known, or nobody could prove anything with it.
    static std::optional<Exchange> start(const Policy& policy, std::string_view method);

    struct Reply {
        /// continue_authentication: the client has to answer `data`. success: `identity` is proven, `data` goes with
        /// the good news. Otherwise it is over.
        wire::ReasonCode code = wire::ReasonCode::not_authorized;
        std::string data;
        std::string_view problem;  // for the log and the client
        Identity identity;
        bool is_guess = false;  // it counts as a wrong password
    };

    /// The client's next message. `rng` only has to give each exchange something else.
    Reply on_message(const Policy& policy, std::string_view message, bool is_anonymous_allowed, Rng& rng);

    /// Who the client claims to be; "" when that is not known.
    std::string_view user() const;

private:
    struct Anonymous {};

    explicit Exchange(std::variant<Anonymous, ScramExchange> method) : method_(std::move(method)) {}
    static Reply on_scram(ScramExchange& scram, const Policy& policy, std::string_view message, Rng& rng);

    std::variant<Anonymous, ScramExchange> method_;
};

}  // namespace ledge::auth
