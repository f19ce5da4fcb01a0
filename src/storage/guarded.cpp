// run_guarded: fork, a pipe, and a limit for the silence of the child.
#include "guarded.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "ledge/base/assert.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/file.hpp"

namespace ledge::storage {
namespace {

constexpr int exit_fine = 0;
constexpr int exit_refused = 3;
constexpr int exit_no_parent = 4;
constexpr long open_max_tried = 65'536;  // descriptors that are closed one by one on old kernels

constexpr unsigned first_own_descriptor = STDERR_FILENO + 1;

void close_between(unsigned first, unsigned last) {
    if (first > last || ::syscall(SYS_close_range, first, last, 0U) == 0) return;
    // Linux before 5.9 has no close_range.
    const long open_max = std::min(::sysconf(_SC_OPEN_MAX), open_max_tried);
    for (unsigned i = first; i <= last && static_cast<long>(i) < open_max; ++i) ::close(static_cast<int>(i));
}

// The child does this first. Otherwise the child would keep the parent's locks for a moment after the parent has ended,
// and the next broker could not start.
void close_all_but(int descriptor) {
    const auto kept = static_cast<unsigned>(descriptor);
    close_between(first_own_descriptor, kept - 1);
    close_between(kept + 1, std::numeric_limits<unsigned>::max());
}

/// The child writes no core file and nothing to standard error, has default signal handlers, and ends with its parent.
void isolate_child() {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int signal : {SIGABRT, SIGBUS, SIGSEGV, SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_DFL);
    // The output of an assertion or of LMDB in the child would only alarm the operator: the parent reports the damage.
    const os::Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (nowhere.is_open()) ::dup2(nowhere.get(), STDERR_FILENO);
}

[[noreturn]] void run_child(const std::function<bool(GuardedOut&)>& work, int descriptor) {
    close_all_but(descriptor);
    isolate_child();
    GuardedOut out(descriptor);
    const bool is_fine = work(out);
    out.flush();
    ::_exit(is_fine ? exit_fine : exit_refused);
}

/// Reads from the child until the pipe ends. False = the child was silent for too long.
bool receive(int descriptor, const std::function<void(Bytes)>& on_bytes, int silence_max_ms) {
    // The capacity of a pipe in Linux: one read empties it.
    std::vector<Byte> buffer(64 * 1024);
    for (;;) {
        pollfd ready{descriptor, POLLIN, 0};
        const int count = ::poll(&ready, 1, silence_max_ms);
        // A signal to the parent is no reason to give up the child.
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return true;
        on_bytes(Bytes(buffer.data(), static_cast<std::size_t>(size)));
    }
}

}  // namespace

void GuardedOut::send(Bytes bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= buffer_size) flush();
}

void GuardedOut::flush() {
    if (os::write_all(descriptor_, as_text(buffer_)) != 0) ::_exit(exit_no_parent);
    buffer_.clear();
}

GuardedEnd run_guarded(const std::function<bool(GuardedOut&)>& work, const std::function<void(Bytes)>& on_bytes,
                       int silence_max_ms) {
    LEDGE_ASSERT(work && on_bytes);
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return GuardedEnd::silent;
    os::Descriptor our_end(ends[0]);
    os::Descriptor childs_end(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) run_child(work, childs_end.get());
    childs_end.reset();  // the parent sees the end of the pipe only when no process holds this end
    const bool has_ended = child > 0 && receive(our_end.get(), on_bytes, silence_max_ms);
    our_end.reset();
    if (child < 0) return GuardedEnd::silent;
    // SIGKILL, because a process that is stuck in damaged pages may handle no other signal.
    if (!has_ended) ::kill(child, SIGKILL);
    int status = 0;
    // Without this call the child would stay as a zombie.
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!has_ended) return GuardedEnd::silent;
    if (!WIFEXITED(status)) return GuardedEnd::killed;
    if (WEXITSTATUS(status) == exit_fine) return GuardedEnd::fine;
    return WEXITSTATUS(status) == exit_refused ? GuardedEnd::refused : GuardedEnd::killed;
}

}  // namespace ledge::storage
