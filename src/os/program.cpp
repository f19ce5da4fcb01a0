#include "ledge/os/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "killed_programs.hpp"
#include "ledge/base/assert.hpp"
#include "program_status.hpp"

namespace ledge::os {
namespace {

constexpr int look_interval_ms = 10;       // between two questions whether the process has ended
constexpr int reads_after_end_max = 32;    // more than the system keeps in a pipe; a child may go on to write
constexpr int looks_after_kill_max = 100;  // a killed process that waits for a device may take longer to end

/// The two ends of a pipe. Both are above the standard descriptors, which the program's descriptors replace.
struct Pipe {
    static Descriptor above_standard(int number) {
        const Descriptor low(number);
        return Descriptor(::fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    }
    bool open() {
        std::array<int, 2> ends{no_descriptor, no_descriptor};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
        read_end = above_standard(ends[0]);
        write_end = above_standard(ends[1]);
        return read_end.is_open() && write_end.is_open();
    }
    Descriptor read_end;
    Descriptor write_end;
};

/// What posix_spawn() does in the new process before the program begins.
class Preparation {
public:
    Preparation(const Pipe& output, const Pipe& errors) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, output.write_end.get(), STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, errors.write_end.get(), STDERR_FILENO);
        // Each descriptor of this process closes by itself (O_CLOEXEC), but those of libraries may not.
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawnattr_setpgroup(&attributes_, 0);  // a group of its own
        // Workers block all signals, and this process ignores some of them. A program would inherit both.
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        ::sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    }
    ~Preparation() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// The beginning of what comes through a pipe. The memory does not grow, so no copies of a secret stay behind.
class Capture {
public:
    Capture(Descriptor from, std::size_t bytes_max) : from_(std::move(from)), bytes_(bytes_max) {}
    ~Capture() { wipe(bytes_.data(), bytes_.size()); }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    int descriptor() const { return from_.get(); }
    bool is_open() const { return from_.is_open(); }
    bool has_dropped() const { return has_dropped_; }
    Bytes bytes() const { return Bytes(bytes_).first(size_); }

    /// Reads once, and closes the pipe at its end.
    void read() {
        std::array<Byte, 4096> part;
        const ssize_t got = ::read(from_.get(), part.data(), part.size());
        if (got < 0 && errno == EINTR) return;
        if (got <= 0) return from_.reset();
        const std::size_t count = std::min(static_cast<std::size_t>(got), bytes_.size() - size_);
        std::copy_n(part.begin(), count, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += count;
        has_dropped_ |= count < static_cast<std::size_t>(got);
        wipe(part.data(), part.size());
    }

private:
    Descriptor from_;
    std::vector<Byte> bytes_;
    std::size_t size_ = 0;
    bool has_dropped_ = false;
};

Descriptor timer_of(Duration time) {
    Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    itimerspec due{};
    due.it_value.tv_sec = seconds.count();
    due.it_value.tv_nsec = static_cast<long>(std::chrono::nanoseconds(time - seconds).count());
    if (timer.is_open() && ::timerfd_settime(timer.get(), 0, &due, nullptr) != 0) timer.reset();
    return timer;
}

/// What the program did wrong; "" = nothing.
std::string problem_of_status(int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::string() : text_of_status(status);
}

std::string not_started(int error) { return "cannot be started: " + std::generic_category().message(error); }

/// A program that runs.
class Run {
public:
    Run(const std::vector<std::string>& command, pid_t process, Descriptor timer, const ProgramLimits& limits,
        const ProgramStop& stop, Capture& output, Capture& errors)
        : command_(command),
          process_(process),
          timer_(std::move(timer)),
          limits_(limits),
          stop_(stop),
          output_(output),
          errors_(errors) {}

    /// Waits for the end of the program. Returns what it did wrong; "" = nothing. A child that it leaves behind may
    /// keep the pipes open, and a program may close them before it ends, so only the end of the process counts.
    std::string wait() {
        for (;;) {
            if (const std::string problem = read(look_interval_ms); !problem.empty()) {
                kill();
                return problem;
            }
            int status = 0;
            const pid_t ended = ::waitpid(process_, &status, WNOHANG);
            if (ended == process_) return read_rest(problem_of_status(status));
            if (ended < 0 && errno != EINTR) return "has ended, but the system does not tell how";
        }
    }

private:
    /// Waits until the program has printed something or must end, but not longer than `wait_ms`.
    std::string read(int wait_ms) {
        std::array<pollfd, 2> pipes = polled();
        std::string problem = look(wait_ms, pipes);
        take(pipes);
        return problem.empty() ? problem_of_output() : problem;
    }

    /// After the end of the program: reads what is there.
    std::string read_rest(std::string problem) {
        for (int reads = 0; reads < reads_after_end_max; ++reads) {
            std::array<pollfd, 2> pipes = polled();
            if (::poll(pipes.data(), pipes.size(), 0) <= 0) break;
            take(pipes);
        }
        return problem.empty() ? problem_of_output() : problem;
    }

    std::array<pollfd, 2> polled() const {
        return {{{output_.descriptor(), POLLIN, 0}, {errors_.descriptor(), POLLIN, 0}}};
    }

    void take(const std::array<pollfd, 2>& pipes) {
        if (pipes[0].revents != 0) output_.read();
        if (pipes[1].revents != 0) errors_.read();
    }

    std::string problem_of_output() const {
        if (!output_.has_dropped()) return {};
        return "has printed more than " + std::to_string(limits_.output_bytes_max) + " bytes";
    }

    /// Waits for one of the pipes, but not longer than `wait_ms`. Returns why the program must end; "" = it may go on.
    /// A descriptor of -1 is ignored by poll(2).
    std::string look(int wait_ms, std::span<pollfd> pipes) const {
        std::vector<pollfd> all{{timer_.get(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}};
        all.insert(all.end(), pipes.begin(), pipes.end());
        if (::poll(all.data(), all.size(), wait_ms) < 0) return {};  // a signal; the caller asks again
        std::copy(all.begin() + 2, all.end(), pipes.begin());
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits_.time_max).count();
        if (all[0].revents != 0) return "has not ended within " + std::to_string(seconds) + " s";
        return all[1].revents != 0 ? "was stopped" : "";
    }

    /// Ends the program and the processes that it has started.
    void kill() const {
        ::kill(-process_, SIGKILL);
        for (int looks = 0; looks < looks_after_kill_max; ++looks) {
            if (::waitpid(process_, nullptr, WNOHANG) != 0) return;
            ::poll(nullptr, 0, look_interval_ms);
        }
        KilledPrograms::all().keep(command_, process_);
    }

    const std::vector<std::string>& command_;
    const pid_t process_;
    const Descriptor timer_;
    const ProgramLimits& limits_;
    const ProgramStop& stop_;
    Capture& output_;
    Capture& errors_;
};

}  // namespace

ProgramStop::ProgramStop() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ProgramStop::request() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

ProgramResult run_program(const std::vector<std::string>& command, const ProgramLimits& limits,
                          const ProgramStop& stop) {
    LEDGE_ASSERT(!command.empty() && limits.time_max > Duration::zero());
    if (!stop.is_open()) return {"cannot be started: there is no descriptor that could stop it", {}, {}};
    // Otherwise programs that hang in the system would become more with each attempt.
    if (KilledPrograms::all().has(command))
        return {"cannot be started: its last run was killed and still hangs", {}, {}};
    Pipe output;
    Pipe errors;
    Descriptor timer = timer_of(limits.time_max);
    if (!timer.is_open() || !output.open() || !errors.open()) return {not_started(errno), {}, {}};
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const Preparation preparation(output, errors);
    pid_t process = 0;
    const int error = ::posix_spawn(&process, command.front().c_str(), preparation.actions(), preparation.attributes(),
                                    arguments.data(), environ);
    if (error != 0) return {not_started(error), {}, {}};
    // Otherwise the pipes would never end.
    output.write_end.reset();
    errors.write_end.reset();
    Capture printed(std::move(output.read_end), limits.output_bytes_max);
    Capture complained(std::move(errors.read_end), limits.errors_bytes_max);
    ProgramResult result;
    result.problem = Run(command, process, std::move(timer), limits, stop, printed, complained).wait();
    if (result.problem.empty()) result.output = Secret(printed.bytes());
    result.errors = as_text(complained.bytes());
    return result;
}

}  // namespace ledge::os
