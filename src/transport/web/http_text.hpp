// Answers of HTTP/1.1 as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/transport/web.hpp"

namespace ledge::transport {

/// "Not Found".
std::string_view http_reason(std::uint16_t status);

/// One line of text as an answer: "405 Method Not Allowed" and why.
HttpAnswer http_error(std::uint16_t status, std::string_view why = {});

/// The whole answer. `is_head`: without the body, whose length is told all the same.
std::string format_http(const HttpAnswer& answer, bool is_head, bool keeps_alive);

}  // namespace ledge::transport
