// Reads an ACL in TOML. A section names the owner of rules; a rule key holds a list of topic filters.
//
//   [roles.NAME]     publish, subscribe, allow (both), deny_publish, deny_subscribe, deny (both) = [FILTER, ...]
//   [users.NAME]     the keys of a role, and roles = [ROLE, ...]
//   [anonymous]      the keys of a user; for clients without a user name
//   [everybody]      the keys of a user; for all clients, after their own rules
//   [groups.NAME]    users = [USER, ...], roles = [ROLE, ...]; each of these users has each of these roles
//
// In filters, %u stands for the user name and %c for the client id. auth/acl.hpp defines the meaning of rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/acl.hpp"
#include "ledge/base/result.hpp"
#include "ledge/config/sources.hpp"

namespace ledge::config {

/// The place of a complaint is `file_name` and the line. A text above file_bytes_max is an error.
Result<auth::Acl, std::vector<Complaint>> read_acl_toml(std::string_view text, const std::string& file_name);

}  // namespace ledge::config
