// What the calling thread has written to block devices, in bytes: the account of flash wear.
#pragma once

#include <cstdint>

namespace ledge::storage {

/// Pages that this thread made dirty, counted by the kernel when it happened; metadata of the filesystem is not in it.
/// 0 where the kernel does not tell. Only differences mean something.
std::uint64_t thread_device_bytes();

}  // namespace ledge::storage
