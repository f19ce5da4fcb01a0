// What the calling thread has written, in bytes: the account of flash wear.
#pragma once

#include <cstdint>

namespace ledge::storage {

/// Bytes that this thread has handed to write calls; 0 where the kernel does not tell. Only differences mean something.
/// Not `write_bytes` of the same file: that counts a whole folio (up to 64 KiB) for each page made dirty, four times
/// what the device gets.
std::uint64_t thread_written_bytes();

}  // namespace ledge::storage
