#include "api_request.hpp"

#include <algorithm>
#include <charconv>

#include "ledge/base/assert.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/base/percent.hpp"
#include "routes.hpp"

namespace ledge::admin {

using transport::HttpAnswer;

namespace {

std::string list_of_words(std::initializer_list<std::string_view> words) {
    std::string out;
    for (const std::string_view word : words) {
        if (!out.empty()) out += ", ";
        out += word;
    }
    return out;
}

std::string number_sentence(NumberRange range) {
    return "must be a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max);
}

bool is_in_range(std::uint64_t number, NumberRange range) { return number >= range.min && number <= range.max; }

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Parsing

// query := [part *("&" part)], part := name "=" value, both percent-encoded, and '+' for a space as forms send it
std::optional<Problem> ApiRequest::parse_query(std::string_view query) {
    constexpr std::size_t parameters_max = 16;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.empty()) continue;
        const std::size_t equals = std::min(part.find('='), part.size());
        std::string value(part.substr(std::min(equals + 1, part.size())));
        std::ranges::replace(value, '+', ' ');
        auto name = percent_decoded(part.substr(0, equals));
        auto decoded = percent_decoded(value);
        if (!name || !is_utf8(*name)) return Problem{400, "a name in the query is not UTF-8 in percent-encoding"};
        if (!decoded || !is_utf8(*decoded))
            return Problem{400, "the query parameter is not UTF-8 in percent-encoding", *name};
        if (std::ranges::any_of(query_, [&name](const auto& one) { return one.first == *name; }))
            return Problem{400, "the query parameter occurs twice", *name};
        if (query_.size() == parameters_max) return Problem{400, "the query has too many parameters"};
        query_.emplace_back(std::move(*name), std::move(*decoded));
    }
    return std::nullopt;
}

std::optional<Problem> ApiRequest::parse_body(std::string_view body) {
    body_ = JsonDocument::parse(body);
    if (!body_) return Problem{400, "the body must be one JSON object (RFC 8259)"};
    // Readers would disagree about the value of a member that occurs twice.
    if (!body_->members(body)) return Problem{400, "a member of the body occurs twice"};
    return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading

const std::string& ApiRequest::path(std::string_view name) const {
    const auto found = std::ranges::find(path_, name, &TextPairs::value_type::first);
    LEDGE_ASSERT(found != path_.end());  // the route's pattern has no such part
    return found->second;
}

std::optional<std::string> ApiRequest::query(std::string_view name) {
    note(name);
    const auto found = std::ranges::find(query_, name, &TextPairs::value_type::first);
    if (found == query_.end()) return std::nullopt;
    return found->second;
}

std::uint64_t ApiRequest::query_number(std::string_view name, NumberRange range, std::uint64_t otherwise) {
    const auto text = query(name);
    if (!text) return otherwise;
    std::uint64_t number = 0;
    const char* end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number);
    if (read.ec == std::errc() && read.ptr == end && is_in_range(number, range)) return number;
    complain(name, number_sentence(range));
    return otherwise;
}

std::string ApiRequest::query_word(std::string_view name, std::initializer_list<std::string_view> words,
                                   std::string_view otherwise) {
    auto text = query(name);
    if (!text) return std::string(otherwise);
    if (std::ranges::find(words, *text) == words.end()) complain(name, "must be one of: " + list_of_words(words));
    return std::move(*text);
}

bool ApiRequest::query_flag(std::string_view name, bool otherwise) {
    return query_word(name, {"true", "false"}, otherwise ? "true" : "false") == "true";
}

bool ApiRequest::has_member(std::string_view name) {
    note(name);
    return body_ && body_->root().has(name) && !body_->root().is_null(name);
}

std::optional<std::string> ApiRequest::text(std::string_view name) {
    if (!has_member(name)) return std::nullopt;
    const auto value = body_->root().text(name);
    if (value) return std::string(*value);
    complain(name, "must be a text");
    return std::nullopt;
}

std::optional<std::uint64_t> ApiRequest::number(std::string_view name, NumberRange range) {
    if (!has_member(name)) return std::nullopt;
    const auto value = body_->root().whole_number(name);
    if (value && is_in_range(*value, range)) return value;
    complain(name, number_sentence(range));
    return std::nullopt;
}

bool ApiRequest::flag(std::string_view name, bool otherwise) {
    if (!has_member(name)) return otherwise;
    const auto value = body_->root().boolean(name);
    if (!value) complain(name, "must be true or false");
    return value.value_or(otherwise);
}

std::optional<TextPairs> ApiRequest::pairs(std::string_view name) {
    if (!has_member(name)) return std::nullopt;
    const auto value = body_->root().pairs(name);
    if (value) return TextPairs(value->begin(), value->end());
    complain(name, "must be a list of lists of two texts");
    return std::nullopt;
}

void ApiRequest::complain(std::string_view field, std::string_view detail) {
    if (problem_) return;
    // A detail that is a whole sentence stays as it is; "must be a text" needs its subject.
    const bool is_sentence = !detail.starts_with("must ") && !detail.starts_with("is ");
    problem_ = Problem{400, (is_sentence ? "" : std::string(field) + " ") + std::string(detail), std::string(field)};
}

bool ApiRequest::knows(std::string_view name) const { return std::ranges::find(known_, name) != known_.end(); }

// A parameter or member that nobody has asked for is an error and not ignored: the answer would be to another question
// than the one that was meant.
bool ApiRequest::refuse_if_wrong() {
    for (const auto& [name, value] : query_) {
        if (!knows(name)) complain(name, "is not a query parameter of this resource");
    }
    if (body_) {
        for (const std::string_view name : body_->root().names()) {
            if (!knows(name)) complain(name, "is not a member of this body");
        }
    }
    if (!problem_) return false;
    const Problem wrong = std::move(*problem_);
    answer(answer_of(wrong), wrong.detail);
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// Answering

void ApiRequest::audit(std::string_view outcome) const {
    if (route_->right != Right::act) return;
    std::string subject;
    for (const auto& [name, value] : path_) subject = value;
    // A ban and a publication have their subject in the body.
    for (const std::string_view name : {"topic", "client_id", "user", "address", "level"}) {
        if (subject.empty() && body_) subject = body_->root().text(name).value_or("");
    }
    log_->info("admin_action", {{"actor", actor_.name},
                                {"address", actor_.address},
                                {"action", std::string(name_of(route_->method)) + " " + std::string(route_->pattern)},
                                {"subject", subject},
                                {"outcome", outcome}});
}

void ApiRequest::answer(std::uint16_t status, JsonWriter& body) {
    HttpAnswer answer_with_body;
    answer_with_body.status = status;
    answer_with_body.content_type = json_type;
    answer_with_body.body = body.finish();
    answer(std::move(answer_with_body));
}

void ApiRequest::done() {
    HttpAnswer empty;
    empty.status = 204;
    answer(std::move(empty));
}

void ApiRequest::refuse(std::uint16_t status, std::string_view detail, std::string_view field) {
    answer(problem(status, detail, field), detail);
}

void ApiRequest::answer(HttpAnswer answer, std::string_view outcome) {
    audit(outcome);
    responder_.answer(std::move(answer));
}

transport::HttpStream ApiRequest::stream(const transport::HttpStreamHead& head) {
    audit("streaming");
    return responder_.stream(head);
}

// ---------------------------------------------------------------------------------------------------------------------

std::string server_sent_event(std::string_view name, std::string_view data) {
    while (data.ends_with('\n')) data.remove_suffix(1);
    std::string out = "event: ";
    out += name;
    out += '\n';
    // JsonWriter begins each object of a list on a new line, and an event has a field "data" for each line.
    while (true) {
        const std::string_view line = data.substr(0, data.find('\n'));
        out += "data: ";
        out += line;
        out += '\n';
        if (line.size() == data.size()) break;
        data.remove_prefix(line.size() + 1);
    }
    out += '\n';
    return out;
}

transport::HttpStreamHead event_stream_head() {
    // Some proxies would collect the events of a minute without this field.
    return {"text/event-stream", {{"X-Accel-Buffering", "no"}}};
}

}  // namespace ledge::admin
