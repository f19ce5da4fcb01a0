// The answers of HTTP/1.1 as text. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/transport/web.hpp"

namespace ledge::transport {

/// The reason phrase of a status: "Not Found" for 404.
std::string_view http_reason(std::uint16_t status);

/// An answer whose body is one line of text: "405 Method Not Allowed", and `why` after a colon.
HttpAnswer http_error(std::uint16_t status, std::string_view why = {});

/// The complete answer as it is sent. `is_head` leaves the body out; the header still states the length of the body.
std::string format_http(const HttpAnswer& answer, bool is_head, bool keeps_alive);

}  // namespace ledge::transport
