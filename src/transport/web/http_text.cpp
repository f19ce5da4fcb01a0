// The answers of the web front as HTTP/1.1 text. Beast only parses the requests: these few answers need no serializer.
#include "http_text.hpp"

namespace ledge::transport {
namespace {

struct StatusLine {
    std::uint16_t code;
    std::string_view reason;
    std::string_view header;  // the header line that this status requires
};

// RFC 9110 section 15. Some answers must have a certain field: 401 (section 11.6.1), 405 (10.2.1), 426 (7.8).
constexpr StatusLine statuses[] = {
    {200, "OK", ""},
    {400, "Bad Request", ""},
    {401, "Unauthorized", "WWW-Authenticate: Bearer\r\n"},
    {403, "Forbidden", ""},
    {404, "Not Found", ""},
    {405, "Method Not Allowed", "Allow: GET, HEAD\r\n"},
    {408, "Request Timeout", ""},
    {413, "Content Too Large", ""},
    {426, "Upgrade Required", "Upgrade: websocket\r\n"},
    {429, "Too Many Requests", "Retry-After: 60\r\n"},
    {431, "Request Header Fields Too Large", ""},
    {501, "Not Implemented", ""},
    {503, "Service Unavailable", ""},
    {505, "HTTP Version Not Supported", ""},
};

const StatusLine& status_of(std::uint16_t code) {
    for (const StatusLine& status : statuses) {
        if (status.code == code) return status;
    }
    // A handler that returns another status has a mistake; the client still gets a valid answer.
    static constexpr StatusLine unforeseen{500, "Internal Server Error", ""};
    return unforeseen;
}

}  // namespace

std::string_view http_reason(std::uint16_t status) { return status_of(status).reason; }

HttpAnswer http_error(std::uint16_t status, std::string_view why) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::to_string(status) + " " + std::string(status_of(status).reason);
    if (!why.empty()) answer.body += ": " + std::string(why);
    answer.body += '\n';
    return answer;
}

std::string format_http(const HttpAnswer& answer, bool is_head, bool keeps_alive) {
    const StatusLine& status = status_of(answer.status);
    // RFC 9110 section 7.8: an answer with the Upgrade field must name this field in Connection.
    const std::string_view upgrade = status.code == 426 ? "upgrade, " : "";
    std::string out = "HTTP/1.1 " + std::to_string(status.code) + " " + std::string(status.reason) +
                      "\r\nContent-Type: " + std::string(answer.content_type) +
                      "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                      "\r\nConnection: " + std::string(upgrade) + (keeps_alive ? "keep-alive" : "close") + "\r\n" +
                      std::string(status.header) + "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n";
    // RFC 9110 section 9.3.2: an answer to HEAD has the fields of the answer to GET, but no content.
    if (!is_head) out += answer.body;
    return out;
}

}  // namespace ledge::transport
