// PasswordHook: how the owner of a bridge makes the password of each CONNECT: it reads a file, runs a program, or signs
// a token. Plain values and one function.
#pragma once

#include <functional>
#include <string>

#include "ledge/base/result.hpp"
#include "ledge/base/secret.hpp"
#include "ledge/base/time.hpp"
#include "ledge/bridge/backoff.hpp"

namespace ledge::os {
class ProgramStop;
}

namespace ledge::uplink {

struct Password {
    Secret text;
    Duration valid_for{};  // from the time when it was made; 0 = no end is known
    std::string origin;    // how it was made, as a sentence part without a secret: "read from /etc/ledgemq/password"
    std::string remark;    // what the program has written to its standard error; "" = nothing
};

struct PasswordProblem {
    std::string reason;  // a sentence for the operator, which is also published
    bridge::RetryClass kind = bridge::RetryClass::operator_needed;
    std::string remark = {};  // as that of Password: for the log only, since it may have a secret
};

using PasswordResult = Result<Password, PasswordProblem>;

struct PasswordHook {
    /// Makes the password of the next CONNECT. Requests to `stop` end a program that runs. Empty = CONNECT has the
    /// password of RelayOptions, if there is one.
    std::function<PasswordResult(const os::ProgramStop& stop)> make;
    /// `make` waits for a program or computes for long, so it is called on a thread of its own, not on the loop's.
    bool is_slow = false;
};

}  // namespace ledge::uplink
