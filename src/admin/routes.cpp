#include "routes.hpp"

#include "ledge/base/code_point.hpp"
#include "ledge/base/percent.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

using enum transport::HttpMethod;
using enum Right;

// One row per method and resource, ordered by path. The first row that fits is taken.
constexpr Route table[] = {
    {get, "/", read, BodyKind::none, get_index, "Names the broker, its version and the resources"},
    {get, "/bans", read, BodyKind::none, list_bans, "Lists the clients that may not connect for a time"},
    {post, "/bans", act, BodyKind::json, add_ban, "Bans a client id, a user or an address for a time"},
    {remove, "/bans/{number}", act, BodyKind::none, remove_ban, "Lifts a ban"},
    {get, "/bridges", read, BodyKind::none, list_bridges, "Lists the bridges and their state"},
    {post, "/bridges/{name}/pause", act, BodyKind::none, pause_bridge, "Ends the connections of a bridge"},
    {post, "/bridges/{name}/reconnect", act, BodyKind::none, reconnect_bridge, "Makes a bridge connect anew"},
    {post, "/bridges/{name}/resume", act, BodyKind::none, resume_bridge, "Lets a paused bridge connect again"},
    {get, "/clients", read, BodyKind::none, list_clients, "Lists clients, connected and offline"},
    {get, "/clients/{id}", read, BodyKind::none, get_client, "Tells all about one client"},
    {remove, "/clients/{id}", act, BodyKind::none, remove_client, "Removes the session of a client for good"},
    {remove, "/clients/{id}/connection", act, BodyKind::none, kick_client, "Disconnects a client"},
    {remove, "/clients/{id}/queue", act, BodyKind::none, clear_client_queue, "Discards the messages that wait"},
    {get, "/clients/{id}/subscriptions", read, BodyKind::none, list_subscriptions,
     "Lists the subscriptions of a client"},
    {get, "/listeners", read, BodyKind::none, list_listeners, "Lists where clients connect, and how many do"},
    {put, "/log-level", act, BodyKind::json, put_log_level, "Changes the level of the log, for a time if wanted"},
    {get, "/memory", read, BodyKind::none, get_memory, "Tells where the memory goes"},
    {get, "/metrics", read, BodyKind::none, get_metrics, "The samples of all metrics"},
    {get, "/openapi.json", read, BodyKind::none, get_openapi, "Describes the API for programs (OpenAPI 3.1)"},
    {get, "/overview", read, BodyKind::none, get_overview, "The figures that an operator looks at first"},
    {post, "/publish", act, BodyKind::json, post_publish, "Publishes a message"},
    {get, "/refusals", read, BodyKind::none, list_refusals, "Lists the last refused and ended connections"},
    {post, "/reload", act, BodyKind::none, reload, "Reads the configuration again"},
    {get, "/retained", read, BodyKind::none, list_retained, "Lists retained messages"},
    {get, "/retained-tree", read, BodyKind::none, get_retained_tree, "Lists one level of the tree of retained topics"},
    {get, "/retained/{topic*}", read, BodyKind::none, get_retained, "Reads a retained message"},
    {put, "/retained/{topic*}", act, BodyKind::json, put_retained, "Retains a message"},
    {remove, "/retained/{topic*}", act, BodyKind::none, remove_retained, "Removes a retained message"},
    {get, "/shares", read, BodyKind::none, list_shares, "Lists the groups of shared subscriptions"},
    {get, "/store", read, BodyKind::none, get_store, "The figures of the store"},
    {get, "/store/backup", act, BodyKind::none, get_backup, "Downloads a consistent copy of the running store"},
    {post, "/store/compact", act, BodyKind::none, compact_store, "Compacts the store at the next start"},
    {get, "/stream", read, BodyKind::none, get_stream, "The overview again and again, as server-sent events"},
    {get, "/trace", read, BodyKind::none, get_trace, "Follows the messages of a client or a topic for a while"},
    {post, "/upgrade", act, BodyKind::none, post_upgrade, "Replaces the broker by a new process"},
    {get, "/who-gets", read, BodyKind::none, list_receivers, "Tells who would get a message"},
};

/// The first part of a path without its leading slash, which is removed from `path`.
std::string_view next_part(std::string_view& path) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    return part;
}

/// Decodes `part` into `parameters`. An empty part or wrong encoding fits no pattern.
bool take(std::string_view pattern, std::string_view part, TextPairs& parameters) {
    auto value = percent_decoded(part);
    if (!value || value->empty() || !is_utf8(*value)) return false;
    parameters.emplace_back(pattern, std::move(*value));
    return true;
}

}  // namespace

std::span<const Route> routes() { return table; }

std::optional<TextPairs> match(std::string_view pattern, std::string_view path) {
    TextPairs parameters;
    while (!pattern.empty() && !path.empty()) {
        if (!path.starts_with('/')) return std::nullopt;
        const std::string_view wanted = next_part(pattern);
        if (wanted.ends_with("*}")) {
            if (!take(wanted.substr(1, wanted.size() - 3), path.substr(1), parameters)) return std::nullopt;
            return parameters;
        }
        const std::string_view part = next_part(path);
        const bool fits =
            wanted.starts_with('{') ? take(wanted.substr(1, wanted.size() - 2), part, parameters) : wanted == part;
        if (!fits) return std::nullopt;
    }
    return pattern.empty() && path.empty() ? std::optional(std::move(parameters)) : std::nullopt;
}

}  // namespace ledge::admin
