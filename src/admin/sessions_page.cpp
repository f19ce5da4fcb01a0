#include "sessions_page.hpp"

#include <charconv>
#include <optional>

#include "ledge/admin/percent.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace ledge::admin {
namespace {

using transport::HttpAnswer;

struct Wish {
    std::string after;
    std::size_t limit = sessions_per_page;
};

/// Nothing when a part of the query is none of ours, or not what it should be.
std::optional<Wish> parse_query(std::string_view query) {
    Wish wish;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.starts_with("after=")) {
            auto after = percent_decoded(part.substr(6));
            if (!after) return std::nullopt;
            wish.after = std::move(*after);
        } else if (part.starts_with("limit=")) {
            const char* end = part.data() + part.size();
            const auto read = std::from_chars(part.data() + 6, end, wish.limit);
            if (read.ptr != end || read.ec != std::errc() || wish.limit == 0 || wish.limit > sessions_per_page_max)
                return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return wish;
}

void append_session(const broker::SessionFacts& facts, std::string& out) {
    out += "{\"client_id\":";
    append_quoted(facts.client_id, out);
    out += ",\"user\":";
    append_quoted(facts.owner, out);
    out += facts.is_connected ? ",\"connected\":true" : ",\"connected\":false";
    out += ",\"address\":";
    append_quoted(facts.address, out);
    out += ",\"subscriptions\":" + std::to_string(facts.subscriptions);
    out += ",\"messages\":" + std::to_string(facts.messages);
    out += ",\"expires_in_s\":";
    out += facts.expires_in
               ? std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*facts.expires_in).count())
               : "null";
    out += '}';
}

}  // namespace

HttpAnswer refusal(std::uint16_t status, std::string_view error) {
    return {status, json, "{\"error\":\"" + std::string(error) + "\"}\n"};
}

HttpAnswer list_sessions(const broker::Shard& shard, std::string_view query) {
    const auto wish = parse_query(query);
    if (!wish) {
        return refusal(400, "the query may have after=ID, percent-encoded, and limit=N from 1 to " +
                                std::to_string(sessions_per_page_max));
    }
    const auto sessions = shard.list_sessions(wish->after, wish->limit);
    std::string body = "{\"sessions\":[";
    for (const broker::SessionFacts& facts : sessions) {
        body += &facts == &sessions.front() ? "\n" : ",\n";
        append_session(facts, body);
    }
    body += "],\n\"next\":";
    if (sessions.size() == wish->limit)
        append_quoted(sessions.back().client_id, body);
    else
        body += "null";
    return {200, json, body + "}\n"};
}

HttpAnswer remove_session(runtime::BrokerLoop& loop, std::string_view encoded_id) {
    const auto client_id = percent_decoded(encoded_id);
    if (!client_id || client_id->empty()) return refusal(400, "the client id is not percent-encoded as it should be");
    if (loop.shard().metrics().is_store_failed)
        return refusal(503, "the store has failed: the session would be there again after a restart");
    if (!loop.remove_session(*client_id)) return refusal(404, "no such session");
    return {200, json, "{\"removed\":true}\n"};
}

}  // namespace ledge::admin
