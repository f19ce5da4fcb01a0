#include "question_answer.hpp"

#include "ledge/base/base64.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/code_point.hpp"

namespace ledge::admin {

namespace {

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

void add_cursor(JsonWriter& body, std::string_view next) {
    if (!next.empty()) body.hex("next", as_bytes(next));
}

std::string query_cursor(ApiRequest& request) {
    const std::string digits = request.query("after").value_or("");
    std::string cursor;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        const int high = digit_of(digits[i]);
        const int low = digit_of(digits[i + 1]);
        if (high < 0 || low < 0) break;
        cursor += static_cast<char>(high * 16 + low);
    }
    if (cursor.size() * 2 != digits.size())
        request.complain("after", "after is not the member next of an earlier answer");
    return cursor;
}

void add_payload(JsonWriter& body, std::string_view payload) {
    if (is_utf8(payload))
        body.text("payload", payload);
    else
        body.text("payload_base64", encode_base64(as_bytes(payload)));
}

std::string payload_of(ApiRequest& request) {
    const auto text = request.text("payload");
    const auto base64 = request.text("payload_base64");
    if (text.has_value() == base64.has_value()) {
        request.complain("payload", "exactly one of the members payload and payload_base64 is needed");
        return {};
    }
    if (text) return *text;
    auto bytes = decode_base64(*base64);
    if (!bytes) request.complain("payload_base64", "payload_base64 is not base64 with padding (RFC 4648)");
    return std::move(bytes).value_or(std::string());
}

}  // namespace ledge::admin
