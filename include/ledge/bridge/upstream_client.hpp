// How a bridge appears to its upstream as a client, and how the end of that client's connection is told. The relay and
// `ledgemq bridge test` use the same functions, so that a test says what the bridge will meet. Stateless.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ledge/bridge/relay_options.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/client/event.hpp"
#include "ledge/client/options.hpp"

namespace ledge::bridge {

/// The options of the next connection to the upstream, with the dialect and the limits that are known about it.
client::Options upstream_client_options(const RelayOptions& options, const Upstream& upstream);

/// Unsent bytes above which a connection of the bridge ends. One packet of the largest size must always pass: otherwise
/// its message would wait at the head of the queue for ever.
constexpr std::size_t outbox_bytes_fatal(std::size_t packet_bytes_max) {
    return client::Limits{}.outbox_bytes_fatal + 2 * packet_bytes_max;
}

/// "MQTT 5", "MQTT 3.1.1" or "MQTT 3.1.1 with the bridge bit".
std::string_view name_of(const Upstream::Dialect& dialect);

/// What a client's peer does when it ends the connection: "refuses the connection: ". The subject stands before it.
std::string_view name_of(client::Ended::Cause cause);

/// The end as a sentence: "the upstream refuses the connection: ...", with the upstream's own words, and the other
/// server that it names. The words come from a peer and may contain any character. `subject` is the name of the peer.
std::string text_of(const client::Ended& event, std::string_view subject = "the upstream");

}  // namespace ledge::bridge
