// The TOML form of an ACL: owners of rules are sections, rules are lists of topic filters.
//
//   [roles.NAME]     publish, subscribe, allow (both), deny_publish, deny_subscribe, deny (both) = [FILTER, ...]
//   [users.NAME]     the same, and roles = [ROLE, ...]
//   [anonymous]      the same: clients without a user
//   [everybody]      the same: all clients, behind what they have of their own
//   [groups.NAME]    users = [USER, ...], roles = [ROLE, ...]: each of them has each of these
//
// %u and %c stand in filters for user name and client id. What it means: auth/acl.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/acl.hpp"
#include "ledge/base/result.hpp"
#include "ledge/config/load.hpp"

namespace ledge::config {

/// `file_name` and a line make the places of complaints. At most file_bytes_max of text.
Result<auth::Acl, std::vector<Complaint>> read_acl_toml(std::string_view text, const std::string& file_name);

}  // namespace ledge::config
