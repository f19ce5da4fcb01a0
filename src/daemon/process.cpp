// Implements process.hpp. When the system refuses one of these calls there is usually no remedy, so most functions
// return nothing, and the broker runs without their effect.
#include "process.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"

// Symbols of the linker: the beginning of the program in memory, and the end of its code. Nothing between them is ever
// written.
extern "C" {
extern const char __executable_start;
extern const char etext;
}

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

void notify_service_manager(std::string_view state) {
    const char* variable = std::getenv("NOTIFY_SOCKET");
    if (variable == nullptr) return;
    const std::string_view path = variable;
    // A valid value is "/" or "@", and at least one more character (sd_notify(3)).
    if (path.size() < 2) return;
    const auto address =
        // "@" stands for the zero byte that begins an abstract name of Linux (unix(7)).
        path.front() == '@' ? os::SocketAddress::of_abstract_name(path.substr(1)) : os::SocketAddress::of_path(path);
    const os::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!address || !socket.is_open()) return;
    // A failure has no remedy here: the service manager waits for the datagram and notices its absence.
    [[maybe_unused]] const ssize_t sent =
        ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, address->get(), address->size());
}

void release_startup_code() {
    // The pages are clean and belong to a file, so the kernel can drop them and read them again on demand.
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    // madvise() takes whole pages. The end is rounded down, because the last page may hold more than code.
    const auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start) & ~(page - 1);
    const auto end = reinterpret_cast<std::uintptr_t>(&etext) & ~(page - 1);
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace ledge::daemon
