// The front for MQTT over TLS. On the shard's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/net/tls_options.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/front.hpp"

namespace ledge::transport {

/// Makes the front for MQTT over TLS. `index` is the listener's index in ShardOptions::listeners, `name` the listener's
/// name for logs. The function reads and checks the files as net::check_tls does. From then on the front watches the
/// files. Changed files are put into service if they are valid; otherwise the log names the mistake.
Result<std::unique_ptr<Front>, net::TlsProblem> make_tls_front(std::uint16_t index, const std::string& name,
                                                               const net::TlsOptions& options, Driver& driver,
                                                               os::WorkerPool& workers, const Log& log);

}  // namespace ledge::transport
