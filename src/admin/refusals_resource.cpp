// /refusals: the last refused and ended connections.
#include "ledge/session/ending_log.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

using session::EndedConnection;

std::string_view kind_name(EndedConnection::Kind kind) {
    return kind == EndedConnection::Kind::refused ? "refused" : "disconnected";
}

void add_refusal(JsonWriter& body, const EndedConnection& one, Instant now) {
    const auto add = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) body.text(name, text);
    };
    body.begin_object();
    body.number("number", one.number);
    body.number("age_s", in_seconds(now - one.at));
    body.text("kind", kind_name(one.kind));
    add("client_id", one.client_id);
    add("user", one.user);
    add("address", one.address);
    add("listener", one.listener);
    body.text("reason", one.reason);
    if (one.code) body.number("reason_code", static_cast<std::uint64_t>(*one.code));
    add("rule", one.rule);
    add("detail", one.detail);
    body.end_object();
}

}  // namespace

void list_refusals(Site& site, ApiRequest request) {
    const std::string kind = request.query_word("kind", {"refused", "disconnected"}, "");
    const std::string client_id = request.query("client_id").value_or("");
    if (request.refuse_if_wrong()) return;
    const auto list = site.shard().inspector().refusals();
    JsonWriter body;
    body.begin_list("refusals");
    for (auto one = list.rbegin(); one != list.rend(); ++one) {
        const bool is_wanted =
            (kind.empty() || kind == kind_name((*one)->kind)) && (client_id.empty() || client_id == (*one)->client_id);
        if (is_wanted) add_refusal(body, **one, site.now());
    }
    body.end_list();
    request.answer(body);
}

}  // namespace ledge::admin
