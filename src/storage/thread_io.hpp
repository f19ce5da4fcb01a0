// thread_written_bytes: how many bytes the calling thread has written, for the account of flash wear.
#pragma once

#include <cstdint>

namespace ledge::storage {

/// Bytes that this thread has passed to write calls; 0 if the kernel does not report them. Only the difference between
/// two calls is meaningful. Reads `wchar` of /proc/thread-self/io. Rejected: `write_bytes` of the same file, which
/// counts a whole folio (up to 64 KiB) for each dirty page, four times the bytes that reach the device.
std::uint64_t thread_written_bytes();

}  // namespace ledge::storage
