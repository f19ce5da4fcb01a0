// Wiring: who gets which part of the configuration. The only place that sees all of it and all of the modules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/config/config.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/storage/lmdb_store.hpp"

namespace ledge::daemon {

/// Requires config.store.is_used().
storage::LmdbStoreOptions store_options(const config::Config& config);

/// What the file of admin.token_file holds; "" when none is configured. The error is a sentence.
Result<std::string, std::string> admin_token(const config::Config& config);

/// Without the hook for SIGHUP.
/// Divides the descriptors that the process may have: sockets of listeners with addresses leave room for the broker's
/// files and for the operator (Unix sockets, the admin listener), and clients leave room for those who arrive.
void share_descriptors(runtime::BrokerLoopOptions& options, std::uint64_t descriptors);

runtime::BrokerLoopOptions loop_options(const config::Config& config, std::string_view version, std::uint64_t seed);

}  // namespace ledge::daemon
