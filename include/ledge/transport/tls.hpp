// TLS in front of MQTT, and the check of what is configured for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/front.hpp"
#include "ledge/transport/tls_options.hpp"
#include "ledge/transport/worker_pool.hpp"

namespace ledge::transport {

/// MQTT over TLS. `index` in ShardOptions::listeners; `name`: the listener's, for logs. Reads the files and checks them
/// as check_tls does; watches them from then on: what changes and is right comes into service, what is wrong is logged.
Result<std::unique_ptr<Front>, TlsProblem> make_tls_front(std::uint16_t index, const std::string& name,
                                                          const TlsOptions& options, Driver& driver,
                                                          WorkerPool& workers, const Log& log);

/// Reads the files. The problem that keeps the listener from starting, or what is allowed but should be known: a key
/// that everybody may read, a certificate that has expired.
Result<std::vector<std::string>, TlsProblem> check_tls(const TlsOptions& options);

}  // namespace ledge::transport
