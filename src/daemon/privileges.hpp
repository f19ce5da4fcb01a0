// Privileges: the user, the groups and the capabilities of the process. A broker that root has started gives its rights
// up before it serves.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/config/settings.hpp"

namespace ledge::daemon {

/// A user and a group of the system.
struct Account {
    std::string user;
    uid_t uid = 0;
    gid_t gid = 0;
};

/// The account of process.user and process.group. nullopt: process.user is "", or the process has this user already.
/// An error: there is no such user, or the process is not root. Reads the system's database of users.
Result<std::optional<Account>, Error> find_account(const config::ProcessSettings& settings);

/// While this object lives, the process opens and creates files with the rights of the account. Requires root. With
/// nullopt nothing changes.
class AsUser {
public:
    explicit AsUser(const std::optional<Account>& account);
    ~AsUser();
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;

private:
    bool is_changed_ = false;
};

/// For `check --as`: the process becomes this user with its groups, so that a file which the user may not read is a
/// mistake. Returns nullopt on success and if `user` is ""; otherwise the error.
std::optional<Error> act_as(const std::string& user);

/// The process, with all its threads, becomes this user for good: user, group, no other groups, no capabilities.
/// After an error the process must end, because it may have changed only in part.
Result<bool, Error> become(const Account& account);

/// PR_SET_NO_NEW_PRIVS: no program that this thread executes, or a thread that it starts from now on, gains rights by
/// it.
void forbid_new_privileges();

/// The files that exist and that the process may not read with its present rights.
std::vector<std::string> unreadable(const std::vector<std::string>& files);

/// false: nobody can read the memory of the process: no core dumps, no debugger of the same user. Holds until the next
/// become().
void allow_core_dumps(bool is_allowed);

}  // namespace ledge::daemon
