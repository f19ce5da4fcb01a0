// WriteClass: the purpose of a write to the store.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ledge::journal {

/// WearAccount counts the bytes per class.
enum class WriteClass : std::uint8_t { sessions, queues, messages, retained };
inline constexpr std::size_t write_classes = 4;

}  // namespace ledge::journal
