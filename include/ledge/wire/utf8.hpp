// The rules of MQTT for UTF-8 strings. Stateless.
#pragma once

#include <string_view>

namespace ledge::wire {

/// True for well-formed UTF-8 without surrogates and without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]. Other control
/// characters and non-characters are allowed, because the standard only advises against them (SHOULD NOT). The function
/// checks ASCII 8 bytes at a time.
bool is_valid_utf8(std::string_view text);

}  // namespace ledge::wire
