#include "ledge/admin/pages.hpp"

#include <algorithm>
#include <utility>

#include "ledge/admin/metrics_text.hpp"
#include "ledge/base/constant_time.hpp"
#include "ledge/base/regular_file.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace ledge::admin {
namespace {

using transport::HttpAnswer;

constexpr std::string_view json = "application/json";

/// `error` needs no escape.
HttpAnswer refusal(std::uint16_t status, std::string_view error) {
    return {status, json, "{\"error\":\"" + std::string(error) + "\"}\n"};
}

bool is_address_or_localhost(std::string_view host) {
    if (host == "localhost" || host.find(':') != std::string_view::npos) return true;  // only IPv6 has colons
    return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Pages::Pages(std::string version, std::string token, Instant now)
    : version_(std::move(version)), token_(std::move(token)), start_(now) {}

HttpAnswer Pages::answer(const transport::HttpRequest& request, Instant now) const {
    if (loop_ == nullptr) return refusal(503, "starting");
    if (request.path == "/healthz") return health(now);
    const bool is_api = request.path.starts_with("/api/");
    if (!is_api && request.path != "/metrics") return refusal(404, "no such page");
    if (!may_read(request)) {
        return token_.empty() ? refusal(403, "pages are read at the admin listener, by its address")
                              : refusal(401, "the token is wanted");
    }
    return is_api ? api(request.path) : metrics(now);
}

bool Pages::may_read(const transport::HttpRequest& request) const {
    if (request.is_admin && request.has_certificate) return true;
    if (!token_.empty()) return are_equal_in_constant_time(as_bytes(request.bearer_token), as_bytes(token_));
    return request.is_admin && is_address_or_localhost(request.host);
}

/// 503 tells load balancers and service managers without their reading the body. There are no bridges to tell of.
HttpAnswer Pages::health(Instant now) const {
    const broker::Metrics& metrics = loop_->shard().metrics();
    const std::string_view store = broker::store_state(metrics);
    const bool is_well = store != "failed";
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - start_).count();
    return {static_cast<std::uint16_t>(is_well ? 200 : 503), json,
            "{\"ready\":" + std::string(is_well ? "true" : "false") + ",\"store\":\"" + std::string(store) +
                "\",\"bridges\":[],\"uptime_s\":" + std::to_string(uptime) + "}\n"};
}

HttpAnswer Pages::metrics(Instant now) const {
    return {200, metrics_content_type,
            metrics_text(loop_->shard().metrics(), loop_->tls_counters(), version_, now - start_)};
}

/// The seat of the programs' interface: it says which version it is, and what it has.
HttpAnswer Pages::api(std::string_view path) const {
    if (path != "/api/v1/") return refusal(404, "no such resource; /api/v1/ tells what there is");
    return {200, json, "{\"name\":\"LedgeMQ\",\"version\":\"" + version_ + "\",\"resources\":[]}\n"};
}

// ---------------------------------------------------------------------------------------------------------------------

Result<std::string, std::string> read_token(const std::string& path) {
    auto file = read_regular_file(path, Pages::token_bytes_max + 1);  // with the end of the line, and one more to see
    if (!file) return Failure{path + " " + file.error()};
    std::string token = std::move(file->text);
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
    const bool is_visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7F'; });
    if (token.size() < Pages::token_bytes_min || token.size() > Pages::token_bytes_max || !is_visible)
        return Failure{path + " wants one line of " + std::to_string(Pages::token_bytes_min) + " to " +
                       std::to_string(Pages::token_bytes_max) +
                       " visible ASCII characters; openssl rand -hex 32 makes one"};
    return token;
}

}  // namespace ledge::admin
