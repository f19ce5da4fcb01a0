#include "ledge/runtime/memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace ledge::runtime {
namespace {

/// The beginning of a file below /proc or /sys; "" when it cannot be read.
std::string beginning_of(const std::string& path) {
    std::array<char, 512> text;
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return {};
    const ssize_t size = ::read(descriptor, text.data(), text.size());
    ::close(descriptor);
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

/// 0: it is none.
std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    return end.ec == std::errc() ? number : 0;
}

/// memory.max of our control group (version 2). In a container the group is often shown as the root.
std::string limit_of_group() {
    const std::string groups = beginning_of("/proc/self/cgroup");
    const std::size_t begin = groups.find("0::/");
    if (begin == std::string::npos) return {};
    const std::string path = groups.substr(begin + 3, groups.find('\n', begin) - begin - 3);
    return beginning_of("/sys/fs/cgroup" + path + "/memory.max");
}

}  // namespace

std::uint64_t resident_bytes() {
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::string text = beginning_of("/proc/self/statm");  // all pages, resident pages, ...
    const std::size_t second = text.find(' ');
    return second == std::string::npos ? 0 : number_in(std::string_view(text).substr(second + 1)) * page;
}

std::uint64_t usual_memory_budget(std::uint64_t machine, std::string_view group) {
    const std::uint64_t of_machine = machine / 2;
    const std::uint64_t of_group = number_in(group) / 4 * 3;
    if (of_machine == 0 || of_group == 0) return std::max(of_machine, of_group);
    return std::min(of_machine, of_group);
}

std::uint64_t usual_memory_budget() {
    const auto pages = ::sysconf(_SC_PHYS_PAGES);
    const auto page = ::sysconf(_SC_PAGESIZE);
    const std::uint64_t machine =
        pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
    return usual_memory_budget(machine, limit_of_group());
}

}  // namespace ledge::runtime
