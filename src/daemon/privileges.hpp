// Privileges: what the broker may do because of who it is. It begins as root where it has to, and ends as nobody of
// importance.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/config/config.hpp"

namespace ledge::daemon {

struct Account {
    std::string user;
    uid_t uid = 0;
    gid_t gid = 0;
};

/// The account of process.user and process.group; nothing when there is no such wish, or we are that user already. The
/// error is a sentence: no such user, or we are not root. Asks the system's directories of users.
Result<std::optional<Account>, std::string> find_account(const config::ProcessSettings& settings);

/// While it lives, files are opened and made as that user; ports and keys are not its business.
class AsUser {
public:
    explicit AsUser(const std::optional<Account>& account);
    ~AsUser();
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;

private:
    bool is_changed_ = false;
};

/// For `check`: this user with its groups from now on, so that a file which the user may not read is a mistake. "": no
/// user is named, or it is done. Otherwise a sentence.
std::string act_as(const std::string& user);

/// Becomes that user for good: user, group, no other groups, no capabilities. Every thread does. The error is a
/// sentence; then the process must end: it may be half of each.
Result<bool, std::string> become(const Account& account);

/// No program that this thread, or one that it starts from now on, could execute gives it rights.
void gain_nothing();

/// Those that exist and that this process, as it is now, may not read.
std::vector<std::string> unreadable(const std::vector<std::string>& files);

/// false: nobody gets a picture of this process's memory: no core dumps, no debugger of the same user. Holds until the
/// next become().
void allow_core_dumps(bool is_allowed);

}  // namespace ledge::daemon
