// The answers of HTTP/1.1 as text. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/transport/http.hpp"

namespace ledge::transport {

/// The complete answer as it is sent. `is_head` leaves the body out; the header still states the length of the body.
std::string format_http(const HttpAnswer& answer, bool is_head, bool keeps_alive);

/// The header of a streaming answer.
std::string format_stream_head(const HttpStreamHead& head, bool is_chunked);

/// True: the If-None-Match field names the entity tag, whose quotes are a part of `etag`.
bool has_tag(std::string_view if_none_match, std::string_view etag);

}  // namespace ledge::transport
