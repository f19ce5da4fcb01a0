#include "killed_programs.hpp"

#include <sys/wait.h>

#include <algorithm>

namespace ledge::os {

KilledPrograms& KilledPrograms::all() {
    static KilledPrograms programs;
    return programs;
}

void KilledPrograms::keep(const std::vector<std::string>& command, pid_t process) {
    const std::lock_guard lock(mutex_);
    processes_.emplace_back(command, process);
}

bool KilledPrograms::has(const std::vector<std::string>& command) {
    const std::lock_guard lock(mutex_);
    std::erase_if(processes_, [](const auto& one) { return ::waitpid(one.second, nullptr, WNOHANG) != 0; });
    return std::ranges::any_of(processes_, [&](const auto& one) { return one.first == command; });
}

}  // namespace ledge::os
