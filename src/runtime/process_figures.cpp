#include "ledge/runtime/process_figures.hpp"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <charconv>
#include <memory>

#include "ledge/os/file.hpp"
#include "ledge/runtime/memory.hpp"

namespace ledge::runtime {
namespace {

std::uint64_t microseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::optional<std::uint64_t> count_descriptors(const std::string& folder, std::uint64_t entries_max) {
    struct statfs filesystem {};
    struct stat facts {};
    if (::statfs(folder.c_str(), &filesystem) != 0 || ::stat(folder.c_str(), &facts) != 0) return std::nullopt;
    const bool is_proc = filesystem.f_type == PROC_SUPER_MAGIC;
    // Earlier kernels say 0 here.
    if (is_proc && facts.st_size > 0) return static_cast<std::uint64_t>(facts.st_size);
    const std::unique_ptr<DIR, CloseFolder> open(::opendir(folder.c_str()));
    if (open == nullptr) return std::nullopt;
    std::uint64_t count = 0;
    while (const dirent* entry = ::readdir(open.get())) {
        if (entry->d_name[0] == '.') continue;
        if (++count > entries_max) return std::nullopt;
    }
    return is_proc ? count - 1 : count;  // without the descriptor of the folder itself
}

ProcessFigures read_process_figures(const std::string& root) {
    ProcessFigures figures;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    // statm := size resident shared ...   in pages (proc(5))
    const std::string statm = os::read_small_file(root + "/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    const char* const end = statm.data() + statm.size();
    const auto first = std::from_chars(statm.data(), end, size);
    if (first.ec == std::errc() && first.ptr < end) std::from_chars(first.ptr + 1, end, resident);
    figures.virtual_bytes = size * page;
    figures.resident_bytes = resident * page;
    figures.anonymous_bytes = anonymous_bytes(statm, page);
    rusage use{};
    if (::getrusage(RUSAGE_SELF, &use) == 0) figures.cpu_us = microseconds(use.ru_utime) + microseconds(use.ru_stime);
    figures.open_descriptors = count_descriptors(root + "/proc/self/fd");
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        figures.descriptors_max = limit.rlim_cur;
    return figures;
}

}  // namespace ledge::runtime
