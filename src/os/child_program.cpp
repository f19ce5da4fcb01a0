// Starts a program by posix_spawn(3), which copies no memory of this process, however large its store and sessions are.
#include "ledge/os/child_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/error.hpp"
#include "ledge/os/descriptor.hpp"
#include "program_status.hpp"

namespace ledge::os {

namespace {

constexpr int end_look_interval_ms = 5;  // between two questions whether a killed program has ended

/// What posix_spawn() does in the new process: the descriptors get their numbers, and signals their usual state.
class Inheritance {
public:
    explicit Inheritance(const std::vector<Descriptor>& descriptors) {
        ::posix_spawn_file_actions_init(&actions_);
        int number = ChildProgram::first_descriptor;
        // dup2(2) gives a descriptor without O_CLOEXEC. The sources lie behind all numbers that are given here.
        for (const Descriptor& one : descriptors) ::posix_spawn_file_actions_adddup2(&actions_, one.get(), number++);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, number);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        ::sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    }
    ~Inheritance() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    Inheritance(const Inheritance&) = delete;
    Inheritance& operator=(const Inheritance&) = delete;

    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

ChildProgram::ChildProgram(ChildProgram&& other) noexcept : id_(std::exchange(other.id_, 0)) {}

Result<ChildProgram, std::error_code> ChildProgram::start(const Start& start) {
    LEDGE_ASSERT(!start.arguments.empty());
    // A source whose number is a target of another one would be overwritten before its turn.
    const int behind = first_descriptor + static_cast<int>(start.descriptors.size());
    std::vector<Descriptor> sources;
    for (const int descriptor : start.descriptors) {
        sources.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, behind));
        if (!sources.back().is_open()) return Failure{system_code(errno)};
    }
    const Inheritance inheritance(sources);
    const std::vector<char*> arguments = pointers_to(start.arguments);
    const std::vector<char*> environment = pointers_to(start.environment);
    pid_t id = 0;
    const int error = ::posix_spawn(&id, start.path.c_str(), inheritance.actions(), inheritance.attributes(),
                                    arguments.data(), environment.data());
    if (error != 0) return Failure{system_code(error)};
    return ChildProgram(id);
}

// A program that is ending by itself keeps its own status: the signal comes too late for it.
std::string ChildProgram::end(Duration time_max, Duration grace) {
    LEDGE_ASSERT(id_ > 0);
    if (auto ending = wait(grace)) return *ending;
    ::kill(id_, SIGKILL);
    return wait(time_max).value_or("does not end");
}

std::optional<std::string> ChildProgram::wait(Duration time_max) const {
    for (Duration waited{};; waited += std::chrono::milliseconds(end_look_interval_ms)) {
        int status = 0;
        const pid_t ended = ::waitpid(id_, &status, WNOHANG);
        if (ended == id_) return text_of_status(status);
        if (ended < 0 && errno != EINTR) return "has ended, but the system does not tell how";
        if (waited >= time_max) return std::nullopt;
        ::poll(nullptr, 0, end_look_interval_ms);
    }
}

}  // namespace ledge::os
