#include "ctl_request.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "ledge/base/assert.hpp"
#include "ledge/base/base64.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/base/percent.hpp"

namespace ledge::cli {
namespace {

using Place = CtlArgument::Place;
using Problem = Result<CtlRequest, std::string>;

constexpr std::string_view root = "/api/v1";
constexpr std::string_view problem_detail_missing = "the broker gives no reason";

void fill_path(std::string& path, std::string_view member, const std::string& value) {
    const std::string hole = "{" + std::string(member) + "}";
    const std::size_t at = path.find(hole);
    LEDGE_ASSERT(at != std::string::npos);
    path.replace(at, hole.size(), percent_encoded(value));
}

/// Adds a value to the body. Returns "" or the mistake.
std::string add_member(boost::json::object& body, const CtlArgument& argument, const std::string& value) {
    const std::string member(argument.member);
    switch (argument.place) {
        case Place::text: body[member] = value; break;
        case Place::flag: body[member] = true; break;
        case Place::number: {
            std::uint64_t number = 0;
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
            if (error != std::errc() || end != value.data() + value.size() || value.empty())
                return std::string(argument.name) + " requires a whole number";
            body[member] = number;
            break;
        }
        case Place::payload:
            if (is_utf8(value))
                body[member] = value;
            else
                body[member + "_base64"] = encode_base64(as_bytes(value));
            break;
        case Place::property: {
            const std::size_t equals = value.find('=');
            if (equals == std::string::npos) return std::string(argument.name) + " requires NAME=VALUE";
            boost::json::value& list = body[member];
            if (!list.is_array()) list = boost::json::array();
            list.as_array().push_back(boost::json::array{value.substr(0, equals), value.substr(equals + 1)});
            break;
        }
        case Place::path:
        case Place::query:
        case Place::local: break;
    }
    return {};
}

/// What an operator can do about a status, beyond the words of the answer.
std::string_view advice_for(unsigned status) {
    if (status == 401) return "; name a token of the configuration ([[admin.tokens]]) with --token-file FILE";
    if (status == 403) return "; this needs a token with the rights \"act\", or the Unix socket";
    if (status == 429) return "; wait a moment and try again";
    return "";
}

}  // namespace

Problem request_of(const CtlOptions& options, const std::string& after) {
    LEDGE_ASSERT(options.command != nullptr);
    const CtlCommand& command = *options.command;
    const bool is_watch = !options.local("watch").empty();
    CtlRequest request{std::string(command.method), std::string(root), {}};
    request.target += is_watch ? "/stream" : command.path;
    boost::json::object body;
    std::string query;
    const auto add_query = [&query](std::string_view name, const std::string& value) {
        query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
    };
    for (const auto& [argument, value] : options.values) {
        if (argument->place == Place::path) {
            fill_path(request.target, argument->member, value);
        } else if (argument->place == Place::query) {
            // --interval means nothing without --watch.
            if (command.answer != CtlCommand::Answer::overview || is_watch) add_query(argument->member, value);
        } else if (std::string mistake = add_member(body, *argument, value); !mistake.empty()) {
            return Failure{std::move(mistake)};
        }
    }
    if (!after.empty()) add_query("after", after);
    request.target += query;
    if (!body.empty()) request.body = boost::json::serialize(body);
    return request;
}

std::string problem_text(unsigned status, const std::string& body) {
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse(body, error);
    const auto* object = error ? nullptr : parsed.if_object();
    const auto text = [object](std::string_view member) {
        const auto* value = object == nullptr ? nullptr : object->if_contains(member);
        return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
    };
    std::string detail = text("detail");
    if (detail.empty()) detail = text("title");
    // The program at the address may be no broker, so a body without a problem is told as far as it is short.
    if (detail.empty()) detail = body.empty() ? std::string(problem_detail_missing) : body.substr(0, 200);
    std::string sentence = "the broker refuses: " + detail;
    if (const std::string field = text("field"); !field.empty()) sentence += " (" + field + ")";
    return sentence + " [" + std::to_string(status) + "]" + std::string(advice_for(status));
}

}  // namespace ledge::cli
