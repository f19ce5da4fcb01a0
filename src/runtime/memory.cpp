#include "ledge/runtime/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "ledge/os/file.hpp"

namespace ledge::runtime {
namespace {

/// The number at the beginning of `text`; 0 when `text` does not begin with a number.
std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    return end.ec == std::errc() ? number : 0;
}

/// Removes the part before `separator` from `rest`, together with the separator, and returns that part.
std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t size = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, size);
    rest.remove_prefix(std::min(size + 1, rest.size()));
    return part;
}

/// True when `wanted` is an element of `list`, whose elements are separated by commas.
bool has(std::string_view list, std::string_view wanted) {
    while (!list.empty())
        if (cut(list, ',') == wanted) return true;
    return false;
}

/// A mounted hierarchy of control groups.
struct Mount {
    std::string_view group;   // the group whose directory is mounted; "/" = the root of the hierarchy
    std::string_view folder;  // the directory where the group is mounted
};

/// The mount of the hierarchy that limits memory. The folder is empty when that hierarchy is not mounted.
/// line := id parent device group folder options [optional]* "-" type source super_options   (proc(5), mountinfo)
Mount mount_of(std::string_view mounts, bool is_version_2) {
    while (!mounts.empty()) {
        std::string_view line = cut(mounts, '\n');
        const std::size_t dash = line.find(" - ");
        if (dash == std::string_view::npos) continue;
        std::string_view filesystem = line.substr(dash + 3);
        const std::string_view type = cut(filesystem, ' ');
        cut(filesystem, ' ');
        if (is_version_2 ? type != "cgroup2" : type != "cgroup" || !has(filesystem, "memory")) continue;
        for (int field = 0; field < 3; ++field) cut(line, ' ');
        const std::string_view group = cut(line, ' ');
        return {group, cut(line, ' ')};
    }
    return {};
}

/// The path of `group` below the mount. In a container, /proc/self/cgroup often gives the group's path on the host,
/// while the mount shows only the last part of that path or only the container's own group. The result is "" when the
/// mount does not contain the group; the mounted group's own limits are then read.
std::string_view path_below(const Mount& mount, std::string_view group) {
    if (group.find("..") != std::string_view::npos) return {};
    if (mount.group == "/") return group == "/" ? std::string_view() : group;
    return group.starts_with(mount.group) ? group.substr(mount.group.size()) : std::string_view();
}

/// Version 1 expresses "no limit" as the largest number of bytes that is a multiple of the page size. Every limit from
/// this value on therefore means "no limit".
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60U;

/// The smallest number in `files`, in the folder of a group and of all mounted groups above it. A file that is missing
/// or that says "max" counts as no limit.
std::uint64_t smallest_limit(const std::string& mount, std::string_view path,
                             std::initializer_list<const char*> files) {
    std::uint64_t smallest = no_limit;
    for (;;) {
        for (const char* file : files) {
            const std::uint64_t limit = number_in(os::read_small_file(mount + std::string(path) + file));
            if (limit != 0) smallest = std::min(smallest, limit);
        }
        if (path.empty()) return smallest;
        path = path.substr(0, path.rfind('/'));
    }
}

}  // namespace

std::uint64_t anonymous_bytes(std::string_view statm, std::uint64_t page) {
    cut(statm, ' ');  // skip the size of the address space (proc(5))
    const std::uint64_t resident = number_in(cut(statm, ' '));
    const std::uint64_t of_files = number_in(cut(statm, ' '));
    return resident > of_files ? (resident - of_files) * page : 0;
}

std::uint64_t anonymous_bytes() {
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return anonymous_bytes(os::read_small_file("/proc/self/statm"), page);
}

std::uint64_t control_group_limit(const std::string& root) {
    const std::string groups = os::read_small_file(root + "/proc/self/cgroup");
    const std::string mounts = os::read_small_file(root + "/proc/self/mountinfo");
    std::uint64_t smallest = no_limit;
    // A process is in one group of version 2 (no controllers are named) and in several groups of version 1.
    for (std::string_view rest = groups; !rest.empty();) {  // line := id ":" controllers ":" path
        std::string_view path = cut(rest, '\n');
        cut(path, ':');
        const std::string_view controllers = cut(path, ':');
        const bool is_version_2 = controllers.empty();
        if (!is_version_2 && !has(controllers, "memory")) continue;
        const Mount mount = mount_of(mounts, is_version_2);
        if (mount.folder.empty()) continue;
        const std::string folder = root + std::string(mount.folder);
        const std::string_view below = path_below(mount, path);
        const std::uint64_t limit = is_version_2 ? smallest_limit(folder, below, {"/memory.max", "/memory.high"})
                                                 : smallest_limit(folder, below, {"/memory.limit_in_bytes"});
        smallest = std::min(smallest, limit);
    }
    return smallest == no_limit ? 0 : smallest;
}

std::uint64_t usual_memory_budget(std::uint64_t machine, std::uint64_t groups) {
    const std::uint64_t of_machine = machine / 2;
    const std::uint64_t of_groups = groups / 4 * 3;
    if (of_machine == 0 || of_groups == 0) return std::max(of_machine, of_groups);
    return std::min(of_machine, of_groups);
}

std::uint64_t usual_memory_budget() {
    const auto pages = ::sysconf(_SC_PHYS_PAGES);
    const auto page = ::sysconf(_SC_PAGESIZE);
    const std::uint64_t machine =
        pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
    return usual_memory_budget(machine, control_group_limit());
}

}  // namespace ledge::runtime
