// Translates [ota] of the configuration into the options of the server of firmware images, and adds it to the loop.
#pragma once

#include <string>

namespace ledge {
class Log;
}
namespace ledge::config {
struct Config;
struct Loaded;
struct OtaSettings;
}  // namespace ledge::config
namespace ledge::ota {
class OtaServer;
}
namespace ledge::runtime {
struct BrokerLoopOptions;
}

namespace ledge::daemon {

/// Complains if ota.directory is no directory. One that is missing or cannot be read is a note, because a disk may be
/// mounted later.
void check_ota_directory(config::Loaded& loaded);

/// A sentence for `ledgemq check`; "" without a server.
std::string explain_ota(const config::OtaSettings& settings);

/// Adds a listener without an address and one part of the loop, if a directory is configured. When the loop has made
/// the part, `server` points to it. `log` and `server` must outlive the loop.
void add_ota(runtime::BrokerLoopOptions& options, const config::Config& config, const Log& log,
             const ota::OtaServer*& server);

}  // namespace ledge::daemon
