// Decides who may read a page, and answers /healthz, /metrics and /api/v1/. The header has the table of rights; the
// list of sessions is in sessions_page.cpp.
#include "ledge/admin/pages.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ledge/admin/metrics_text.hpp"
#include "ledge/admin/part_figures.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/constant_time.hpp"
#include "ledge/base/json.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/os/file.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/uplink/bridges.hpp"
#include "sessions_page.hpp"

namespace ledge::admin {
namespace {

using transport::HttpAnswer;

/// True: the Host header names an address or localhost, and no other name.
/// A browser sends the name that it has looked up. A web page of a stranger whose name points at 127.0.0.1 (DNS
/// rebinding) therefore fails here.
bool is_address_or_localhost(std::string_view host) {
    if (host == "localhost" || host.find(':') != std::string_view::npos) return true;  // only IPv6 has colons
    // The last label of a host name is alphabetic (RFC 1123 section 2.1), so digits and dots alone are an IPv4 address.
    return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

void add_bridge(JsonWriter& body, const uplink::BridgeFigures& bridge) {
    const auto seconds = [](Duration duration) {
        return std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(duration).count()};
    };
    body.begin_object();
    body.text("name", bridge.name);
    body.text("stage", uplink::name_of(bridge.stage));
    body.number("stage_s", seconds(bridge.in_stage));
    body.text("health", bridge.degraded.empty() ? "ok" : "degraded");
    body.text("health_reason", bridge.degraded);
    body.text("server", bridge.server);
    body.text("last_problem", bridge.last_problem);
    body.number("queue_messages", static_cast<std::int64_t>(bridge.queue_messages));
    body.number("oldest_unanswered_s", seconds(bridge.oldest_unanswered));
    body.number("connections", bridge.connections);
    if (bridge.connected) body.number("connected_s", seconds(*bridge.connected));
    body.number("queue_bytes", bridge.queue.now.bytes);
    body.number("queue_age_s", seconds(bridge.queue.age.age));
    body.boolean("queue_age_is_minimum", bridge.queue.age.is_minimum);
    if (bridge.queue.flow.time_to_full) body.number("time_to_full_s", seconds(*bridge.queue.flow.time_to_full));
    if (bridge.queue.flow.time_to_empty) body.number("time_to_empty_s", seconds(*bridge.queue.flow.time_to_empty));
    body.end_object();
}

}  // namespace

Pages::Pages(std::string version, std::string token, const Log& log, Instant now)
    : version_(std::move(version)), token_(std::move(token)), log_(log), start_(now) {}

HttpAnswer Pages::answer(const transport::HttpRequest& request, Instant now) {
    // Before attach() there are no figures to show. 503 tells a monitor that the broker will answer later.
    if (loop_ == nullptr) return refusal(503, "starting");
    // Everybody may read /healthz: a load balancer has no token, and the answer has no secrets.
    if (request.path == "/healthz")
        return request.is_removal ? refusal(405, "this page is read with GET") : health(now);
    const bool is_api = request.path.starts_with("/api/");
    if (!is_api && request.path != "/metrics") return refusal(404, "no such page");
    // The right is checked before the method and before the path below /api/, so that strangers learn nothing about
    // pages.
    switch (judge(request, now)) {
        case Access::granted: break;
        case Access::wants_address:
            return refusal(403, "read this page at the admin listener, with its address or localhost in the URL");
        case Access::wants_token: return refusal(401, "a token is required");
        case Access::wrong_token: return refusal(401, "the token is wrong");
        case Access::blocked: return refusal(429, "too many wrong tokens from this address; try again later");
    }
    if (request.is_removal && !is_api) return refusal(405, "this page is read with GET");
    return is_api ? api(request) : metrics(now);
}

Pages::Access Pages::judge(const transport::HttpRequest& request, Instant now) {
    // On a WebSocket listener a certificate belongs to a device, so it gives no right to pages there.
    if (request.is_admin && request.has_certificate) return Access::granted;
    if (!token_.empty()) return judge_token(request, now);
    // Without a token and without required certificates, the configuration allows the admin listener only on addresses
    // of this machine, so whoever reaches the listener may read the pages.
    return request.is_admin && is_address_or_localhost(request.host) ? Access::granted : Access::wants_address;
}

Pages::Access Pages::judge_token(const transport::HttpRequest& request, Instant now) {
    // A request without a token is no guess, so it is not counted as a failure.
    if (request.bearer_token.empty()) return Access::wants_token;
    // The guard counts failures per name and network. There is only one token, so all requests use one name.
    const auth::LoginSource source = guard_.source_of(network_of(request.address), "token");
    if (guard_.is_blocked(source, now)) return Access::blocked;  // even for the right token: guesses get no answer
    // The time of the comparison must not tell how many bytes of a guess are right.
    if (are_equal_in_constant_time(as_bytes(request.bearer_token), as_bytes(token_))) {
        guard_.on_success(source);
        return Access::granted;
    }
    // An address that has sent the right token before is not blocked; its wrong token is only logged.
    const bool is_known = guard_.standing_of(source, now) == auth::Standing::known;
    const bool is_blocked = !is_known && guard_.on_failure(source, now);
    log_.write(is_blocked ? LogLevel::warning : LogLevel::info, "admin_token_wrong",
               {{"address", request.address}, {"path", request.path}, {"blocked", is_blocked ? "yes" : "no"}});
    return Access::wrong_token;
}

/// The status 503 is for load balancers and service managers, which do not read the body. A bridge without its upstream
/// does not change the status: the messages wait, and the local clients are served.
HttpAnswer Pages::health(Instant now) const {
    LEDGE_ASSERT(loop_ != nullptr);
    const broker::Metrics& metrics = loop_->shard().metrics();
    const std::string_view store = broker::store_state(metrics);
    // The states full and slow count as ready, because the broker still serves clients then (README).
    const bool is_well = store != "failed" && store != "postponed";
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(metrics.store_waited).count();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - start_).count();
    JsonWriter body;
    body.boolean("ready", is_well);
    body.text("store", store);
    body.text("store_found", broker::name_of(metrics.store.start_state));
    body.number("store_waiting_s", std::int64_t{waited});
    const std::vector<uplink::BridgeFigures> bridges = figures_of_bridges();
    // A degraded bridge does not hinder the broker from serving its clients, so the status stays 200.
    body.boolean("degraded", std::ranges::any_of(bridges, [](const uplink::BridgeFigures& bridge) {
                     return !bridge.degraded.empty();
                 }));
    body.begin_list("bridges");
    for (const uplink::BridgeFigures& bridge : bridges) add_bridge(body, bridge);
    body.end_list();
    body.number("uptime_s", std::int64_t{uptime});
    return {static_cast<std::uint16_t>(is_well ? 200 : 503), json, body.finish()};
}

std::vector<uplink::BridgeFigures> Pages::figures_of_bridges() const {
    return parts_.bridges == nullptr ? std::vector<uplink::BridgeFigures>() : parts_.bridges->figures(loop_->now());
}

HttpAnswer Pages::metrics(Instant now) {
    LEDGE_ASSERT(loop_ != nullptr);
    const PartFigures parts = collector_.collect(*loop_, parts_, now - start_);
    return {200, metrics_content_type,
            metrics_text(loop_->shard().metrics(), loop_->tls_counters(), parts, version_, now - start_)};
}

/// /api/v1/ itself names the version of the broker and the resources.
HttpAnswer Pages::api(const transport::HttpRequest& request) const {
    LEDGE_ASSERT(loop_ != nullptr);
    const std::string_view path = request.path;
    if (path == sessions_path && !request.is_removal) return list_sessions(loop_->shard(), request.query);
    // The whole rest of the path is the client id, because a client id may contain '/'.
    if (path.starts_with(sessions_path) && path.size() > sessions_path.size() && path[sessions_path.size()] == '/') {
        if (!request.is_removal)
            return refusal(405, "this resource allows only DELETE; GET /api/v1/sessions lists sessions");
        return remove_session(*loop_, path.substr(sessions_path.size() + 1));
    }
    if (path != "/api/v1/") return refusal(404, "no such resource; /api/v1/ lists the resources");
    if (request.is_removal) return refusal(405, "this page is read with GET");
    JsonWriter body;
    body.text("name", "LedgeMQ");
    body.text("version", version_);
    body.begin_list("resources");
    body.element("sessions");
    body.end_list();
    return {200, json, body.finish()};
}

// ---------------------------------------------------------------------------------------------------------------------

Result<std::string, Error> read_token(const std::string& path) {
    // One byte more than a token, for the end of the line.
    auto file = os::read_regular_file(path, Pages::token_bytes_max + 1);
    if (!file) return Failure{file.error()};
    std::string token = std::move(file->text);
    // An editor ends the line with \n or \r\n. These characters are not a part of the token.
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
    // The token travels in a header, so it may have only visible ASCII characters.
    const bool is_visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7F'; });
    if (token.size() < Pages::token_bytes_min || token.size() > Pages::token_bytes_max || !is_visible)
        return Failure{Error{{},
                             "{} must hold one line of {} visible ASCII characters; openssl rand -hex 32 makes one",
                             path,
                             std::to_string(Pages::token_bytes_min) + " to " + std::to_string(Pages::token_bytes_max)}};
    return token;
}

}  // namespace ledge::admin
