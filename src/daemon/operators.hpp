// Operators: connects the pages and the API with the rest of the program. Used by serve(), on the thread of the loop.
#pragma once

#include <string>

#include "ledge/admin/pages.hpp"
#include "ledge/base/log.hpp"
#include "privileges.hpp"
#include "reload.hpp"

namespace ledge::daemon {

/// Lets the loop serve the pages. The API then can reload the configuration, change the level of the log and copy the
/// store, and a reload changes the tokens. `running` is nullptr until the loop exists. All other arguments but
/// `options` must outlive the loop.
void connect_pages(admin::Pages& pages, runtime::BrokerLoopOptions& options, Reload& reload, Log& log,
                   runtime::BrokerLoop* const& running);

/// Gives the file of admin.socket to the user that the broker becomes. Root has created the file.
void give_socket(const std::string& path, const Account& account, const Log& log);

/// Compacts the store in this directory if an operator has asked for it (POST /api/v1/store/compact). A failure is
/// logged, and the broker starts with the store as it is.
void compact_if_wanted(const std::string& store_path, const Log& log);

}  // namespace ledge::daemon
