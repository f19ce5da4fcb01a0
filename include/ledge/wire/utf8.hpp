// UTF-8 as MQTT wants it.
#pragma once

#include <string_view>

namespace ledge::wire {

/// Well-formed UTF-8 without surrogates and without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]. Other control characters
/// and non-characters are allowed, as the standard leaves it open (SHOULD NOT). ASCII is taken 8 bytes at a time.
bool is_valid_utf8(std::string_view text);

}  // namespace ledge::wire
