// Wiring: hands each module its part of the configuration. Only this file and its callers see the whole configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/admin/rights.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/config/config.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/storage/lmdb_store.hpp"

namespace ledge::daemon {

/// The options of the store. Requires config.store.is_used().
storage::LmdbStoreOptions store_options(const config::Config& config);

/// The tokens of operators, with the secrets that their files hold now.
Result<std::vector<admin::AdminToken>, Error> admin_tokens(const config::Config& config);

/// Divides the descriptors that the process may have, by lowering limits in `options`. The sockets of listeners with
/// addresses leave room for the files of the broker and for the operator (Unix sockets, the admin listener). Connected
/// clients leave room for connections that have not logged in.
void share_descriptors(runtime::BrokerLoopOptions& options, std::uint64_t descriptors);

/// The URLs of the WebSocket listeners.
std::vector<std::string> urls_of_web(const config::Config& config);

/// The options of the loop, without the callbacks (SIGHUP, policy files, log, pages), which serve() adds.
runtime::BrokerLoopOptions loop_options(const config::Config& config, std::string_view version, std::uint64_t seed);

}  // namespace ledge::daemon
