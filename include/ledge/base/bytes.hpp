// Views of raw bytes. A Bytes or a string_view never owns its bytes. A function that returns a view documents how long
// the view stays valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ledge {

using Byte = std::uint8_t;
using Bytes = std::span<const Byte>;

inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const Byte*>(text.data()), text.size()}; }

}  // namespace ledge
