#include "program_start.hpp"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "ledge/base/assert.hpp"

namespace ledge::daemon {
namespace {

std::string path_of_this_program() {
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

bool are_same_file(const std::string& a, const std::string& b) {
    struct stat one {};
    struct stat other {};
    return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

}  // namespace

ProgramStart program_start(int argc, char** argv) {
    LEDGE_ASSERT(argc >= 1);
    ProgramStart start{path_of_this_program(), {argv, argv + argc}};
    const std::string& name = start.arguments.front();
    // The name may be anything, so it counts only if it leads to the file that runs now.
    if (name.find('/') == std::string::npos || !are_same_file(name, "/proc/self/exe")) return start;
    std::array<char, PATH_MAX> folder{};
    const bool is_relative = !name.starts_with('/');
    if (is_relative && ::getcwd(folder.data(), folder.size()) == nullptr) return start;
    start.path = is_relative ? std::string(folder.data()) + "/" + name : name;
    return start;
}

}  // namespace ledge::daemon
