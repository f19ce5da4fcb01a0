#include "wiring.hpp"

#include "ledge/runtime/clock.hpp"
#include "ledge/transport/endpoint.hpp"

namespace ledge::daemon {
namespace {

transport::Endpoint endpoint_of(const config::Endpoint& endpoint) {
    transport::Endpoint result;
    const bool is_tcp = endpoint.kind == config::Endpoint::Kind::tcp;
    result.kind = is_tcp ? transport::Endpoint::Kind::tcp : transport::Endpoint::Kind::unix_socket;
    result.host = endpoint.host;
    result.port = endpoint.port;
    result.path = endpoint.path;
    return result;
}

std::chrono::microseconds wall_clock() {
    return std::chrono::duration_cast<std::chrono::microseconds>(runtime::read_wall_clock().time_since_epoch());
}

}  // namespace

storage::LmdbStoreOptions store_options(const config::Config& config) {
    return {.path = config.store.path, .size_max_bytes = config.store.size_max_bytes, .wall_clock = wall_clock};
}

runtime::BrokerLoopOptions loop_options(const config::Config& config, std::string_view version, std::uint64_t seed) {
    runtime::BrokerLoopOptions options;
    options.shard = config.shard;
    options.shard.server_version = "LedgeMQ " + std::string(version);
    for (const config::ListenerSocket& socket : config.sockets) {
        options.endpoints.push_back(endpoint_of(socket.endpoint));
    }
    options.shard.durability.journal.is_enabled = config.store.is_used();
    options.daily_write_budget_bytes = config.store.daily_write_budget_bytes;
    options.seed = seed;
    options.stop_time_max = config.stop_time_max;
    return options;
}

}  // namespace ledge::daemon
