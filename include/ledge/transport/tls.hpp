// TLS in front of MQTT.
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

/// MQTT over TLS. `index` in ShardOptions::listeners; `name`: the listener's, for logs. Reads the files and checks them
/// as net::check_tls does, and watches them from then on. Changed files that are right come into service; the log names
/// what is wrong with others.
Result<std::unique_ptr<Front>, net::TlsProblem> make_tls_front(std::uint16_t index, const std::string& name,
                                                               const net::TlsOptions& options, Driver& driver,
                                                               os::WorkerPool& workers, const Log& log);

}  // namespace ledge::transport
