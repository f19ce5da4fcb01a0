// ApiRequest: one request to a resource of the API, with everything that a handler needs: decoded parameters, the
// parsed body, who asks, and the answer. A handler may keep the request and answer in a later turn. On the thread of
// the loop.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/admin/rights.hpp"
#include "ledge/base/json.hpp"
#include "ledge/base/json_reader.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/transport/http.hpp"
#include "problem.hpp"

namespace ledge::admin {

struct Route;

/// Who asks.
struct Actor {
    std::string name;  // for log lines: "token NAME", "certificate", "socket uid=0 pid=17", "loopback"
    std::string address;
    Right right = Right::read;
};

/// The smallest and the largest allowed number.
struct NumberRange {
    std::uint64_t min = 0;
    std::uint64_t max = 0;
};

inline constexpr NumberRange page_sizes{1, 1000};
inline constexpr std::uint64_t page_size_default = 100;

using TextPairs = std::vector<std::pair<std::string, std::string>>;

class ApiRequest {
public:
    /// `log` must outlive the request.
    ApiRequest(const Route& route, Actor actor, Instant now, const Log& log, transport::Responder responder)
        : route_(&route), actor_(std::move(actor)), now_(now), log_(&log), responder_(std::move(responder)) {}
    ApiRequest(ApiRequest&&) noexcept = default;
    ApiRequest& operator=(ApiRequest&&) noexcept = default;
    ~ApiRequest() = default;

    // ---- Filled in by the dispatcher

    void set_path(TextPairs parameters) { path_ = std::move(parameters); }
    /// nullopt = taken; otherwise what is wrong with the text.
    std::optional<Problem> parse_query(std::string_view query);
    std::optional<Problem> parse_body(std::string_view body);
    void set_if_none_match(std::string_view tags) { if_none_match_ = tags; }

    // ---- For handlers: the request

    const Actor& actor() const { return actor_; }
    Instant now() const { return now_; }  // the time of the turn in which the request came
    const Route& route() const { return *route_; }
    /// The decoded part of the path that the route's pattern calls {name}.
    const std::string& path(std::string_view name) const;

    // A query parameter. If it is absent the result is `otherwise` or nullopt. A wrong one is remembered for
    // refuse_if_wrong().
    std::optional<std::string> query(std::string_view name);
    std::uint64_t query_number(std::string_view name, NumberRange range, std::uint64_t otherwise);
    bool query_flag(std::string_view name, bool otherwise);
    std::string query_word(std::string_view name, std::initializer_list<std::string_view> words,
                           std::string_view otherwise);
    /// The parameter `limit` of all lists.
    std::size_t query_limit() { return static_cast<std::size_t>(query_number("limit", page_sizes, page_size_default)); }

    // A member of the body, in the same way. `null` counts as absent.
    std::optional<std::string> text(std::string_view name);
    std::optional<std::uint64_t> number(std::string_view name, NumberRange range);
    bool flag(std::string_view name, bool otherwise);
    std::optional<TextPairs> pairs(std::string_view name);

    /// Remembers that the parameter or member is wrong. Only the first complaint is told.
    void complain(std::string_view field, std::string_view detail);
    /// Call after all parameters and members were read. Answers 400 if one of them was wrong, or if the request has
    /// others. True: the request was answered, and the handler returns.
    bool refuse_if_wrong();

    // ---- For handlers: the answer. Each action is logged with its outcome at its answer.

    bool is_open() const { return responder_.is_open(); }
    /// 200 with this object, which the call finishes.
    void answer(JsonWriter& body) { answer(200, body); }
    void answer(std::uint16_t status, JsonWriter& body);
    /// 204: done, and there is nothing to tell.
    void done();
    void refuse(std::uint16_t status, std::string_view detail, std::string_view field = {});
    /// Any other answer.
    void answer(transport::HttpAnswer answer, std::string_view outcome = "done");
    transport::HttpStream stream(const transport::HttpStreamHead& head);
    /// For an answer that takes longer than transport::WebLimits::answer_time_max. Call it in the handler itself.
    void wait_without_limit() { responder_.wait_without_limit(); }
    void on_gone(std::function<void()> gone) { responder_.on_gone(std::move(gone)); }

private:
    bool knows(std::string_view name) const;
    void note(std::string_view name) { known_.emplace_back(name); }
    bool has_member(std::string_view name);
    void audit(std::string_view outcome) const;

    const Route* route_;
    Actor actor_;
    Instant now_;
    const Log* log_;
    transport::Responder responder_;
    TextPairs path_;
    TextPairs query_;
    std::string if_none_match_;
    std::optional<JsonDocument> body_;
    std::vector<std::string> known_;  // the parameters and members that the handler has asked for
    std::optional<Problem> problem_;
};

/// One server-sent event: "event: NAME\ndata: TEXT\n\n". `data` must have no line ends.
std::string server_sent_event(std::string_view name, std::string_view data);
/// The content type and the fields of a stream of such events.
transport::HttpStreamHead event_stream_head();

}  // namespace ledge::admin
