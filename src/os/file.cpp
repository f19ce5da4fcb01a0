#include "ledge/os/file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ledge/base/assert.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::os {
namespace {

std::string_view refusal_of(mode_t mode) {
    if (S_ISDIR(mode)) return "{} is a directory; name a regular file";
    if (S_ISFIFO(mode)) return "{} is a pipe; name a regular file";
    return S_ISSOCK(mode) ? "{} is a socket; name a regular file" : "{} is a device; name a regular file";
}

/// read(2), repeated when a signal has interrupted the call.
ssize_t read_some(int descriptor, char* into, std::size_t size) {
    ssize_t got = 0;
    do {
        got = ::read(descriptor, into, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Reading

Result<FileText, Error> read_regular_file(const std::string& path, std::size_t bytes_max) {
    const auto failure = [&path](std::string_view what) { return Failure{Error{system_code(errno), what, path}}; };
    // Without O_NONBLOCK the open of a pipe would wait for a process that writes to the pipe.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file.is_open()) return failure("{} cannot be opened");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failure("{} cannot be read");
    if (!S_ISREG(status.st_mode)) return Failure{Error{{}, refusal_of(status.st_mode), path}};
    // The size in `status` is not reliable, because the file may grow while it is read. A buffer of one byte more than
    // the limit is enough to detect that the file is too large.
    FileText result{std::string(bytes_max + 1, '\0'), status.st_mode};
    std::size_t size = 0;
    while (size < result.text.size()) {
        const ssize_t got = read_some(file.get(), result.text.data() + size, result.text.size() - size);
        if (got < 0) return failure("{} cannot be read");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    result.text.resize(size);
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // some editors write this mark at the beginning
    if (result.text.starts_with(byte_order_mark)) result.text.erase(0, byte_order_mark.size());
    return result;
}

std::string read_small_file(const std::string& path, std::size_t bytes_max) {
    std::string content;
    // O_NOFOLLOW: the broker and the kernel make no symbolic links in these places, so a link is refused.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) return content;
    // Files below /proc report a size of 0, so the function reads until the end of the file.
    std::array<char, 4096> part{};
    while (content.size() < bytes_max) {
        const ssize_t got = read_some(file.get(), part.data(), std::min(part.size(), bytes_max - content.size()));
        if (got <= 0) break;
        content.append(part.data(), static_cast<std::size_t>(got));
    }
    return content;
}

std::uint64_t file_size(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing

Descriptor create_private_file(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
}

int write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        // POSIX allows write(2) to return 0 when the disk has no room. The loop must not repeat such a call forever.
        if (written == 0) return ENOSPC;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

int sync_file(int descriptor) { return ::fsync(descriptor) == 0 ? 0 : errno; }

Descriptor open_directory(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::string parent_of(const std::string& path) {
    const auto slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

int sync_directory(const std::string& path) {
    const Descriptor directory = open_directory(path);
    return directory.is_open() ? sync_file(directory.get()) : errno;
}

Draft::~Draft() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

void Draft::remove_leftover() const { ::unlink(path_.c_str()); }

int Draft::rename_to(const std::string& target, Existing existing) {
    LEDGE_ASSERT(!path_.empty());  // the file has not been renamed yet
    const int result = existing == Existing::replaced
                           ? ::rename(path_.c_str(), target.c_str())
                           : ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE);
    if (result != 0) return errno;
    path_.clear();
    return 0;
}

}  // namespace ledge::os
