// The answers of the web front as HTTP/1.1 text. Beast only parses the requests: these few answers need no serializer.
#include "http_text.hpp"

#include <algorithm>

#include "ledge/base/json.hpp"

namespace ledge::transport {
namespace {

struct StatusLine {
    std::uint16_t code;
    std::string_view reason;
    HttpField field;  // the header field that this status requires, unless the answer has its own
};

// RFC 9110 section 15. Some answers must have a certain field: 401 (section 11.6.1), 405 (10.2.1), 426 (7.8).
const StatusLine statuses[] = {
    {200, "OK", {}},
    {201, "Created", {}},
    {202, "Accepted", {}},
    {204, "No Content", {}},
    {304, "Not Modified", {}},
    {400, "Bad Request", {}},
    {401, "Unauthorized", {"WWW-Authenticate", "Bearer"}},
    {403, "Forbidden", {}},
    {404, "Not Found", {}},
    {405, "Method Not Allowed", {"Allow", "GET, HEAD"}},
    {408, "Request Timeout", {}},
    {409, "Conflict", {}},
    {413, "Content Too Large", {}},
    {415, "Unsupported Media Type", {}},
    {417, "Expectation Failed", {}},
    {426, "Upgrade Required", {"Upgrade", "websocket"}},
    {429, "Too Many Requests", {"Retry-After", "60"}},
    {431, "Request Header Fields Too Large", {}},
    {500, "Internal Server Error", {}},
    {501, "Not Implemented", {}},
    {503, "Service Unavailable", {}},
    {504, "Gateway Timeout", {}},
    {505, "HTTP Version Not Supported", {}},
    {507, "Insufficient Storage", {}},
};

const StatusLine& status_of(std::uint16_t code) {
    const auto found = std::ranges::find(statuses, code, &StatusLine::code);
    if (found != std::end(statuses)) return *found;
    // A handler that returns another status has a mistake; the client still gets a valid answer.
    static const StatusLine unforeseen{500, "Internal Server Error", {}};
    return unforeseen;
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
    out += name;
    out += ": ";
    // A line end in a value would begin a field that the handler has not meant.
    std::ranges::copy_if(value, std::back_inserter(out), [](char c) { return c != '\r' && c != '\n'; });
    out += "\r\n";
}

void append_start(const StatusLine& status, std::string& out) {
    out += "HTTP/1.1 ";
    out += std::to_string(status.code);
    out += ' ';
    out += status.reason;
    out += "\r\n";
}

/// The fields of the handler, and those of every answer.
void append_fields(const std::vector<HttpField>& fields, std::string_view cache_control, std::string& out) {
    for (const HttpField& field : fields) append_field(field.name, field.value, out);
    append_field("Cache-Control", cache_control, out);
    out += "X-Content-Type-Options: nosniff\r\n\r\n";
}

}  // namespace

std::string_view http_reason(std::uint16_t status) { return status_of(status).reason; }

HttpAnswer http_error(std::uint16_t status, std::string_view why, std::string_view field) {
    JsonWriter body;
    // RFC 9457 section 4.2.1: with this type the title is the reason phrase of the status.
    body.text("type", "about:blank");
    body.text("title", status_of(status).reason);
    body.number("status", std::uint64_t{status});
    body.text("detail", why);
    if (!field.empty()) body.text("field", field);
    HttpAnswer answer;
    answer.status = status;
    answer.content_type = "application/problem+json";
    answer.body = body.finish();
    return answer;
}

std::string format_http(const HttpAnswer& answer, bool is_head, bool keeps_alive) {
    const StatusLine& status = status_of(answer.status);
    // RFC 9110 section 8.6: these answers have no content, and 204 must not state its length.
    const bool has_content = status.code != 204 && status.code != 304;
    std::string out;
    append_start(status, out);
    if (has_content) {
        append_field("Content-Type", answer.content_type, out);
        append_field("Content-Length", std::to_string(answer.body.size()), out);
    }
    // RFC 9110 section 7.8: an answer with the Upgrade field must name this field in Connection.
    const std::string upgrade = status.code == 426 ? "upgrade, " : "";
    append_field("Connection", upgrade + (keeps_alive ? "keep-alive" : "close"), out);
    const bool has_own = std::ranges::any_of(
        answer.fields, [&status](const HttpField& field) { return field.name == status.field.name; });
    if (!status.field.name.empty() && !has_own) append_field(status.field.name, status.field.value, out);
    if (!answer.etag.empty()) append_field("ETag", answer.etag, out);
    append_fields(answer.fields, answer.cache_control, out);
    // RFC 9110 section 9.3.2: an answer to HEAD has the fields of the answer to GET, but no content.
    if (!is_head && has_content) out += answer.body;
    return out;
}

std::string format_stream_head(const HttpStreamHead& head, bool is_chunked) {
    std::string out;
    append_start(status_of(200), out);
    append_field("Content-Type", head.content_type, out);
    if (is_chunked) append_field("Transfer-Encoding", "chunked", out);
    append_field("Connection", "close", out);
    append_fields(head.fields, "no-store", out);
    return out;
}

bool has_tag(std::string_view if_none_match, std::string_view etag) {
    if (etag.empty() || if_none_match.empty()) return false;
    if (if_none_match == "*") return true;
    // RFC 9110 section 13.1.2: the weak comparison ignores W/. A tag has no quote inside, so its quotes delimit it.
    return if_none_match.find(etag) != std::string_view::npos;
}

}  // namespace ledge::transport
