// Answers /api/v1/sessions. Every page is computed from the sessions of that moment, and nothing is kept between two
// pages, so a reader that stops in the middle costs nothing.
#include "sessions_page.hpp"

#include <charconv>
#include <optional>

#include "ledge/base/assert.hpp"
#include "ledge/base/json.hpp"
#include "ledge/base/percent.hpp"
#include "ledge/broker/inspect.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace ledge::admin {
namespace {

using transport::HttpAnswer;

std::int64_t in_seconds(Duration time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); }

/// The parsed query of a list.
struct PageQuery {
    std::string after;  // sessions behind this client id; "" = from the first one
    std::size_t limit = sessions_per_page;
};

/// query := [part *("&" part)], part := "after=" ID | "limit=" N. nullopt: the query has another form.
std::optional<PageQuery> parse_query(std::string_view query) {
    PageQuery parsed;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.starts_with("after=")) {
            auto after = percent_decoded(part.substr(6));
            if (!after) return std::nullopt;
            parsed.after = std::move(*after);
        } else if (part.starts_with("limit=")) {
            const char* end = part.data() + part.size();
            const auto read = std::from_chars(part.data() + 6, end, parsed.limit);
            // limit=0 is refused, because an empty page would have no last client id, which list_sessions() needs for
            // "next".
            if (read.ptr != end || read.ec != std::errc() || parsed.limit == 0 || parsed.limit > sessions_per_page_max)
                return std::nullopt;
        } else {
            return std::
                nullopt;  // an unknown part is an error and not ignored: the list would be another one than asked for
        }
    }
    return parsed;
}

/// One object of the list. expires_in_s is null if the session does not expire at present.
void add_session(const broker::SessionFacts& facts, JsonWriter& out) {
    out.begin_object();
    out.text("client_id", facts.client_id);
    out.text("user", facts.owner);
    out.boolean("connected", facts.is_connected);
    out.text("address", facts.address);
    out.number("subscriptions", std::uint64_t{facts.subscriptions});
    out.number("messages", std::uint64_t{facts.messages});
    if (facts.expires_in)
        out.number("expires_in_s", in_seconds(*facts.expires_in));
    else
        out.null("expires_in_s");
    out.end_object();
}

}  // namespace

HttpAnswer refusal(std::uint16_t status, std::string_view error) {
    JsonWriter body;
    body.text("error", error);
    return {status, json, body.finish()};
}

HttpAnswer list_sessions(const broker::Shard& shard, std::string_view query) {
    const auto parsed = parse_query(query);
    if (!parsed) {
        return refusal(400, "the query may have only after=ID, percent-encoded, and limit=N from 1 to " +
                                std::to_string(sessions_per_page_max));
    }
    broker::ClientsQuestion question;
    question.after = parsed->after;
    question.count_max = parsed->limit;
    while (!shard.inspector().step(question)) {
    }
    const auto& sessions = question.clients;
    LEDGE_ASSERT(sessions.size() <= parsed->limit);
    JsonWriter body;
    body.begin_list("sessions");
    for (const broker::SessionFacts& facts : sessions) add_session(facts, body);
    body.end_list();
    // A full page may be the last one; then the next request returns an empty list.
    if (sessions.size() == parsed->limit)
        body.text("next", sessions.back().client_id);
    else
        body.null("next");
    return {200, json, body.finish()};
}

HttpAnswer remove_session(runtime::BrokerLoop& loop, std::string_view encoded_id) {
    const auto client_id = percent_decoded(encoded_id);
    // No session has an empty client id: the broker assigns one to a client that sends none [MQTT-3.1.3-6].
    if (!client_id || client_id->empty())
        return refusal(400, "the client id is empty or not correctly percent-encoded");
    // The failed store keeps the row, so a restart would bring the session back.
    if (loop.shard().metrics().is_store_failed)
        return refusal(503, "the store has failed, so the removed session would come back after a restart");
    if (!loop.remove_session(*client_id)) return refusal(404, "no such session");
    JsonWriter body;
    body.boolean("removed", true);
    return {200, json, body.finish()};
}

}  // namespace ledge::admin
