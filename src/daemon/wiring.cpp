#include "wiring.hpp"

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

}  // namespace

runtime::BrokerLoopOptions loop_options(const config::Config& config, std::string_view version, std::uint64_t seed) {
    runtime::BrokerLoopOptions options;
    options.shard = config.shard;
    options.shard.server_version = "LedgeMQ " + std::string(version);
    for (const config::ListenerSocket& socket : config.sockets) {
        options.endpoints.push_back(endpoint_of(socket.endpoint));
    }
    options.seed = seed;
    options.stop_time_max = config.stop_time_max;
    return options;
}

}  // namespace ledge::daemon
