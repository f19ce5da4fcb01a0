// Answers /healthz, /metrics and files, and passes requests below /api/v1 to the handlers of the route table. The
// header has the table of rights.
#include "ledge/admin/pages.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "access_rules.hpp"
#include "bridge_facts.hpp"
#include "dashboard.hpp"
#include "ledge/admin/metrics_text.hpp"
#include "ledge/admin/part_figures.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/json.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/os/file.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/runtime/clock.hpp"
#include "problem.hpp"
#include "resources.hpp"
#include "routes.hpp"
#include "site.hpp"

namespace ledge::admin {

using transport::HttpAnswer;
using transport::HttpMethod;
using transport::HttpRequest;

/// Carries out answers that need several turns.
class Pages::Part final : public runtime::LoopPart {
public:
    explicit Part(OngoingWork& work) : work_(work) {}
    ~Part() override { work_.clear(); }
    void start(Instant) override {}
    void turn(Instant now) override {
        // Work that wants the next turn is done by on_time() then, so that each turn does one part.
        if (wants_turn()) work_.on_time(now);
    }
    bool wants_turn() const override { return work_.is_due(Instant::min()); }
    void on_time(Instant now) override { work_.on_time(now); }
    Instant next_deadline() const override { return work_.next_deadline(); }
    void stop(Instant) override { work_.clear(); }
    bool is_stopped() const override { return true; }

private:
    OngoingWork& work_;
};

Pages::Pages(std::string version, std::vector<AdminToken> tokens, const Log& log, Instant now)
    : access_(std::make_unique<AccessRules>(std::move(tokens), log)),
      site_(std::make_unique<Site>(Site{std::move(version), now, log})) {}
Pages::~Pages() = default;

broker::Shard& Site::shard() const { return loop->shard(); }
Instant Site::now() const { return loop->now(); }
// The clock of the loop continues that of the store, and differs from the clock of the start.
Duration Site::uptime() const { return runtime::read_clock() - start; }

runtime::MakeLoopPart Pages::make_part() {
    return [this](const runtime::LoopServices& services) {
        site_->io = &services.io;
        return std::make_unique<Part>(site_->ongoing);
    };
}

void Pages::attach(runtime::BrokerLoop& loop, const Parts& parts) {
    site_->loop = &loop;
    site_->parts = parts;
}

void Pages::set_tokens(std::vector<AdminToken> tokens) { access_->set_tokens(std::move(tokens)); }

void Pages::set_operations(Operations operations) { site_->operations = std::move(operations); }

void Pages::on_reload_begun() {
    std::ranges::move(site_->reloads_waiting, std::back_inserter(site_->reloads_begun));
    site_->reloads_waiting.clear();
}

void Pages::on_reloaded(const ReloadOutcome& outcome) {
    for (ApiRequest& request : std::exchange(site_->reloads_begun, {})) answer_reload(request, outcome);
}

// ---------------------------------------------------------------------------------------------------------------------

namespace {

bool is_reading(const HttpRequest& request) {
    return request.method == HttpMethod::get || request.method == HttpMethod::head;
}

/// The methods of the routes for this path, as the field Allow lists them.
std::string allowed_methods(std::string_view path) {
    std::string methods;
    for (const Route& route : routes()) {
        if (!match(route.pattern, path)) continue;
        if (!methods.empty()) methods += ", ";
        methods += name_of(route.method);
        if (route.method == HttpMethod::get) methods += ", HEAD";
    }
    return methods;
}

/// The answer to a request that no route fits.
HttpAnswer no_route(std::string_view path) {
    const std::string methods = allowed_methods(path);
    if (methods.empty()) return problem(404, "there is no such resource; /api/v1/ lists the resources");
    HttpAnswer answer = problem(405, "this resource allows only " + methods);
    answer.fields.push_back({"Allow", methods});
    return answer;
}

std::optional<Problem> wrong_body(const Route& route, const HttpRequest& request) {
    if (route.body == BodyKind::none)
        return request.body.empty() ? std::nullopt : std::optional(Problem{400, "this request must have no body"});
    // Pages of another origin cannot send this type without asking first (CORS), so they cannot send an action.
    if (!request.content_type.starts_with(json_type))
        return Problem{415, "the body must be JSON: Content-Type: application/json"};
    return std::nullopt;
}

}  // namespace

void Pages::answer(const HttpRequest& request, transport::Responder responder, Instant now) {
    // Before attach() there are no figures to show. 503 tells a monitor that the broker will answer later.
    if (site_->loop == nullptr) return responder.answer(problem(503, "the broker is starting"));
    const bool is_api = request.path == api_path || request.path.starts_with("/api/");
    if (is_api) return answer_api(request, std::move(responder), now);
    if (!is_reading(request)) return responder.answer(problem(405, "this page is read with GET"));
    responder.answer(page(request, now));
}

HttpAnswer Pages::page(const HttpRequest& request, Instant now) {
    // Everybody may read /healthz: a load balancer has no token, and the answer has no secrets.
    if (request.path == "/healthz") return health(now);
    // A browser asks for a page without a token. The files have no secrets, and are not for clients of MQTT listeners.
    if (request.is_admin) {
        if (auto file = find_dashboard_file(request, site_->parts.web_sockets)) return std::move(*file);
    }
    if (request.path != "/metrics") return problem(404, "there is no such page");
    const auto actor = access_->judge(request, Right::read, now);
    return actor ? metrics(now) : answer_of(actor.error());
}

void Pages::answer_api(const HttpRequest& request, transport::Responder responder, Instant now) {
    std::string_view path = request.path.substr(std::min(request.path.size(), api_path.size()));
    if (!request.path.starts_with(api_path)) path = "?";  // fits no route
    if (path.empty()) path = "/";
    const HttpMethod method = request.method == HttpMethod::head ? HttpMethod::get : request.method;
    const Route* found = nullptr;
    std::optional<TextPairs> parameters;
    for (const Route& route : routes()) {
        if (route.method != method) continue;
        if (!(parameters = match(route.pattern, path))) continue;
        found = &route;
        break;
    }
    // The right is checked before the path, so that strangers learn nothing about resources.
    auto actor = access_->judge(request, found == nullptr ? Right::read : found->right, now);
    if (!actor) return responder.answer(answer_of(actor.error()));
    if (found == nullptr) return responder.answer(no_route(path));
    ApiRequest asked(*found, std::move(*actor), site_->loop->now(), site_->log, std::move(responder));
    asked.set_path(std::move(*parameters));
    auto wrong = wrong_body(*found, request);
    if (!wrong) wrong = asked.parse_query(request.query);
    if (!wrong && found->body == BodyKind::json) wrong = asked.parse_body(request.body);
    if (wrong) return asked.answer(answer_of(*wrong), wrong->detail);
    found->handler(*site_, std::move(asked));
}

/// The status 503 is for load balancers and service managers, which do not read the body. A bridge without its upstream
/// does not change the status: the messages wait, and the local clients are served.
HttpAnswer Pages::health(Instant now) const {
    const broker::Metrics& metrics = site_->shard().metrics();
    const std::string_view store = broker::store_state(metrics);
    // The states full and slow count as ready, because the broker still serves clients then (README).
    const bool is_well = store != "failed" && store != "postponed";
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(metrics.store_waited).count();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - site_->start).count();
    JsonWriter body;
    body.boolean("ready", is_well);
    body.text("store", store);
    body.text("store_found", broker::name_of(metrics.store.start_state));
    body.number("store_waiting_s", std::int64_t{waited});
    const std::vector<uplink::BridgeFigures> bridges = figures_of_bridges(*site_);
    // A degraded bridge does not hinder the broker from serving its clients, so the status stays 200.
    body.boolean("degraded", std::ranges::any_of(bridges, [](const uplink::BridgeFigures& bridge) {
                     return !bridge.degraded.empty();
                 }));
    body.begin_list("bridges");
    for (const uplink::BridgeFigures& bridge : bridges) {
        body.begin_object();
        write_bridge(body, bridge);
        body.end_object();
    }
    body.end_list();
    body.number("uptime_s", std::int64_t{uptime});
    return {
        .status = static_cast<std::uint16_t>(is_well ? 200 : 503), .content_type = json_type, .body = body.finish()};
}

HttpAnswer Pages::metrics(Instant now) const {
    const PartFigures parts = site_->collector.collect(*site_->loop, site_->parts, now - site_->start);
    return {.content_type = metrics_content_type,
            .body = metrics_text(site_->shard().metrics(), site_->loop->tls_counters(), parts, site_->version,
                                 now - site_->start)};
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
