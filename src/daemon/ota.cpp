#include "ota.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/config/config.hpp"
#include "ledge/config/load.hpp"
#include "ledge/ota/ota_server.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/session/inner_clients.hpp"

namespace ledge::daemon {
namespace {

/// Only this file knows both sides: the server of images never sees the configuration of the broker.
ota::OtaOptions ota_options(const config::OtaSettings& settings, std::uint16_t listener) {
    ota::OtaOptions options;
    options.directory = settings.directory;
    options.topic_prefix = settings.topic_prefix;
    options.bytes_per_second_max = settings.bytes_per_second_max;
    options.device_bytes_per_second_max = settings.device_bytes_per_second_max;
    options.block_bytes_max = settings.block_bytes_max;
    options.image_bytes_max = settings.image_bytes_max;
    options.inner_listener = listener;
    return options;
}

}  // namespace

/// A directory that is missing may be mounted later, so it is a note. A file in its place is a mistake.
void check_ota_directory(config::Loaded& loaded) {
    const std::string& directory = loaded.config.ota.directory;
    if (!loaded.config.ota.is_used() || directory.empty()) return;
    struct stat status {};
    const bool is_there = ::stat(directory.c_str(), &status) == 0;
    if (is_there && !S_ISDIR(status.st_mode)) {
        const auto place = loaded.places.find("ota.directory");
        loaded.complaints.push_back({place != loaded.places.end() ? place->second : std::string(),
                                     "key 'ota.directory': " + directory +
                                         " is no directory; name the directory that holds the images, or none"});
    } else if (!is_there || ::access(directory.c_str(), R_OK | X_OK) != 0) {
        loaded.notes.push_back("ota.directory " + directory + " cannot be read (" + system_code(errno).message() +
                               "), so no image is served until it can; create it, or correct the key");
    }
}

/// The sentence of `ledgemq check`: the topics that a device has to know.
std::string explain_ota(const config::OtaSettings& settings) {
    if (!settings.is_used()) return {};
    const std::string& prefix = settings.topic_prefix;
    return "images: those of " + settings.directory + "; a device with the client id ID publishes to " + prefix +
           "/get/ID and subscribes to " + prefix + "/block/ID and " + prefix + "/manifest/NAME\n";
}

void add_ota(runtime::BrokerLoopOptions& options, const config::Config& config, const Log& log,
             const ota::OtaServer*& server) {
    if (!config.ota.is_used()) return;
    broker::ListenerOptions listener;
    listener.name = session::listener_of_part("ota");
    listener.connections_max = 4;  // the present connection, and earlier ones that are closing
    listener.arrivals_max = 4;
    // The server is a part of this process: limits for strangers, such as those of addresses, do not concern it.
    listener.is_local = true;
    options.shard.listeners.push_back(listener);
    const auto index = static_cast<std::uint16_t>(options.shard.listeners.size() - 1);
    // Made in the loop's thread, when the shard exists. Nobody may use `server` before.
    options.parts.push_back(
        [made_options = ota_options(config.ota, index), &log, &server](const runtime::LoopServices& services) {
            auto made = std::make_unique<ota::OtaServer>(made_options, services, log);
            server = made.get();
            return made;
        });
}

}  // namespace ledge::daemon
