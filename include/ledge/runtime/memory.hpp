// What the system says about memory: how much this process holds, and how much it may hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge::runtime {

/// Bytes of this process's anonymous memory (heap and stacks) that are resident; 0: the system does not say. Pages of
/// mapped files are left out: the store's pages are copies of what the file holds, so the kernel drops them by itself
/// when it needs memory, and nothing that the broker could do would give them back.
std::uint64_t anonymous_bytes();

/// The same from the content of /proc/self/statm. `page`: bytes of a page.
std::uint64_t anonymous_bytes(std::string_view statm, std::uint64_t page);

/// Bytes that the broker may use where the configuration names no budget: half of the machine's memory, or three
/// quarters of what the control groups allow, if that is less. 0: the system says neither.
std::uint64_t usual_memory_budget();

/// The same from two numbers of bytes; 0: not known, or not limited.
std::uint64_t usual_memory_budget(std::uint64_t machine, std::uint64_t groups);

/// Bytes that the control groups of this process allow, of version 1 and 2: the smallest limit of its own group and of
/// all groups above it. 0: none of them has a limit. `root` stands before every path that is read; a test names a
/// directory of its own.
std::uint64_t control_group_limit(const std::string& root = {});

}  // namespace ledge::runtime
