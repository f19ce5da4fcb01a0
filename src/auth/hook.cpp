// Builds the request to the authentication hook, and reads the answer.
#include "ledge/auth/hook.hpp"

#include <algorithm>
#include <utility>

#include "ledge/auth/login_check.hpp"
#include "ledge/base/json.hpp"
#include "ledge/base/json_reader.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::auth {
namespace {

using wire::ReasonCode;

// Large enough for a usual question. A text that grows would leave copies of the password in freed memory.
constexpr std::size_t json_bytes_reserved = 1024;
constexpr std::size_t names_max = 64;  // roles in an answer
constexpr std::size_t name_bytes_max = 1024;
constexpr std::int64_t ttl_s_max = 10LL * 365 * 86'400;  // ten years; larger values are lowered to this

/// True for a text that may be the name of a user or a role.
bool is_name(std::string_view name) {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    };
    return !name.empty() && name.size() <= name_bytes_max && wire::is_valid_utf8(name) &&
           std::ranges::none_of(name, is_control);
}

/// Reads the members of the answer. False = a member has a wrong kind or a wrong value.
bool read_answer(const JsonObject& answer, LoginOutcome& outcome) {
    if (answer.has("user")) {
        const auto user = answer.text("user");
        if (!user || !is_name(*user)) return false;
        outcome.identity.user = std::string(*user);
    }
    if (answer.has("roles")) {
        const auto roles = answer.texts("roles");
        if (!roles || roles->size() > names_max || !std::ranges::all_of(*roles, is_name)) return false;
        outcome.identity.roles.assign(roles->begin(), roles->end());
    }
    if (answer.has("ttl_s")) {
        const auto ttl = answer.integer("ttl_s");
        if (!ttl || *ttl < 1) return false;
        outcome.valid_for = std::chrono::seconds(std::min(*ttl, ttl_s_max));
    }
    return true;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

std::optional<std::string> to_json(const HookQuestion& question) {
    JsonWriter json(json_bytes_reserved);
    if (question.user_name) json.text("user", *question.user_name);
    if (question.password) {
        const std::string_view password = as_text(question.password->bytes());
        if (!wire::is_valid_utf8(password)) return std::nullopt;
        json.text("password", password);
    }
    json.text("client_id", question.client_id);
    json.text("address", question.address);
    json.text("listener", question.listener);
    return json.finish(false);
}

LoginOutcome read_hook_answer(const HookOptions& options, const HookQuestion& question, unsigned status,
                              std::string_view body) {
    LoginOutcome outcome;
    if (status == 401 || status == 403) {
        outcome.reason = "the authentication hook has refused the client";
        return outcome;
    }
    if (status != 200)
        return no_hook_answer("the authentication hook has answered with HTTP status " + std::to_string(status));
    outcome.identity.user = question.user_name;  // unless the answer names another user
    if (!is_blank(body)) {
        const auto document = JsonDocument::parse(body);
        if (!document || !read_answer(document->root(), outcome))
            return no_hook_answer("the authentication hook has answered with a body that is not in the expected form");
    }
    outcome.code = ReasonCode::success;
    outcome.identity.proof = Proof::hook;
    outcome.identity.credential = credential_of(options);
    return outcome;
}

LoginOutcome no_hook_answer(std::string_view reason) {
    LoginOutcome outcome;
    outcome.code = ReasonCode::server_unavailable;
    outcome.reason = reason;
    return outcome;
}

std::uint64_t credential_of(const HookOptions& options) {
    std::uint64_t number = 0xcbf2'9ce4'8422'2325U;  // FNV-1a
    const std::string place = (options.is_tls ? "https " : "http ") + options.host + ' ' +
                              std::to_string(options.port) + ' ' + options.target;
    for (const char c : place) number = (number ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
    return number | 1U;
}

}  // namespace ledge::auth
