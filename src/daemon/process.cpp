// Implements process.hpp. When the system refuses one of these calls there is usually no remedy, so most functions
// return nothing, and the broker runs without their effect.
#include "process.hpp"

#include <link.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <random>
#include <span>
#include <string_view>

namespace ledge::daemon {

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    const rlim_t before = limit.rlim_cur;
    // A process may raise its soft limit up to the hard limit without special rights (setrlimit(2)).
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

void ignore_signals_of_writes() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

namespace {

bool out_of_memory_is_json = false;

// Allocates nothing, because memory is exhausted: the line is built on the stack and written by one system call.
[[noreturn]] void end_out_of_memory() {
    constexpr const char* event = "out_of_memory";
    constexpr const char* reason = "the system refuses memory";
    std::timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm parts{};
    ::gmtime_r(&now.tv_sec, &parts);
    char time[32];
    std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &parts);
    // The same forms as in log_sink.cpp, so that programs that read the log understand this line too.
    const char* format = out_of_memory_is_json
                             ? "{\"time\":\"%s.%03ldZ\",\"level\":\"error\",\"event\":\"%s\",\"reason\":\"%s\"}\n"
                             : "%s.%03ldZ error %s reason=\"%s\"\n";
    char line[256];
    const int length = std::snprintf(line, sizeof line, format, time, now.tv_nsec / 1'000'000, event, reason);
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
    // _exit() runs no destructor and no atexit() function: these could commit or send a change that is half done.
    ::_exit(EXIT_FAILURE);
}

}  // namespace

void end_when_out_of_memory(bool writes_json) {
    out_of_memory_is_json = writes_json;
    // operator new calls the handler when memory is refused. The handler does not return, so no std::bad_alloc is
    // thrown.
    std::set_new_handler(end_out_of_memory);
}

std::string host_name() {
    char name[256] = {};
    // The system may cut a long name without a zero at its end.
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "gateway";
    return name;
}

std::uint64_t random_seed() {
    std::random_device device;
    // std::random_device gives 32 bits per call.
    return (std::uint64_t{device()} << 32U) | device();
}

namespace {

/// True when the dynamic linker has changed the code of the file (some libraries of 32-bit x86): a page that is read
/// again would lack the change.
bool has_changed_code(const dl_phdr_info& file) {
    for (const ElfW(Phdr) & segment : std::span(file.dlpi_phdr, file.dlpi_phnum)) {
        if (segment.p_type != PT_DYNAMIC) continue;
        const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(file.dlpi_addr + segment.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry)
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
                return true;
    }
    return false;
}

/// Gives back the pages of one loaded file (the program, a library) that nobody may write: code, constants, tables of
/// symbols. They are clean and belong to a file, so the kernel can drop them and read them again on demand.
int release_read_only_pages(dl_phdr_info* file, std::size_t /*size*/, void* /*data*/) {
    const std::string_view name = file->dlpi_name;
    // The program itself has no name, a library has a path. What else is listed is the kernel's (vdso).
    if (!name.empty() && name.find('/') == std::string_view::npos) return 0;
    if (has_changed_code(*file)) return 0;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (const ElfW(Phdr) & segment : std::span(file->dlpi_phdr, file->dlpi_phnum)) {
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        // madvise() takes whole pages. A segment that can be written begins on a page of its own.
        const std::uintptr_t begin = (file->dlpi_addr + segment.p_vaddr) & ~(page - 1);
        const std::uintptr_t end = (file->dlpi_addr + segment.p_vaddr + segment.p_filesz) & ~(page - 1);
        if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

void release_startup_code() { ::dl_iterate_phdr(release_read_only_pages, nullptr); }

}  // namespace ledge::daemon
