// thread_written_bytes: the line `wchar` of /proc/thread-self/io.
#include "thread_io.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "ledge/os/file.hpp"

namespace ledge::storage {

std::uint64_t thread_written_bytes() {
    const std::string text = os::read_small_file("/proc/thread-self/io", 512);
    constexpr std::string_view key = "\nwchar: ";
    const auto at = text.find(key);
    // A kernel without task accounting has no such file; 0 means "unknown".
    if (at == std::string_view::npos) return 0;
    std::uint64_t bytes = 0;
    std::from_chars(text.data() + at + key.size(), text.data() + text.size(), bytes);
    return bytes;
}

}  // namespace ledge::storage
