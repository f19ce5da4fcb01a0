// Memory figures of the system: how much memory this process uses, and how much it may use. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge::runtime {

/// The resident bytes of this process's anonymous memory (heap and stacks); 0 = the system does not tell. Pages of
/// mapped files are not counted. The store's pages are copies of file content: the kernel drops them when it needs
/// memory, and the broker has no way to give them back.
std::uint64_t anonymous_bytes();

/// Computes that number from the content of /proc/self/statm. `page` is the size of a page in bytes.
std::uint64_t anonymous_bytes(std::string_view statm, std::uint64_t page);

/// The memory budget in bytes for a configuration that names none: half of the machine's memory, or three quarters of
/// the control groups' limit if that is less. 0 = the system tells neither number.
std::uint64_t usual_memory_budget();

/// Computes that budget from the machine's memory and the control groups' limit, in bytes; 0 = not known or no limit.
std::uint64_t usual_memory_budget(std::uint64_t machine, std::uint64_t groups);

/// The memory limit in bytes that the control groups of this process set, for versions 1 and 2 of control groups: the
/// smallest limit of the process's own group and of all groups above it. 0 = none of these groups has a limit. `root`
/// is a prefix for every path that is read, so that a test can provide a directory of its own.
std::uint64_t control_group_limit(const std::string& root = {});

}  // namespace ledge::runtime
