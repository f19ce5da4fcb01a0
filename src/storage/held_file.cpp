#include "held_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ledge::storage {

Result<HeldFile, int> HeldFile::open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return Failure{errno};
    return HeldFile(descriptor);
}

HeldFile::HeldFile(HeldFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_seen_(other.size_seen_) {}

HeldFile::~HeldFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::string_view HeldFile::displacement(const std::string& path) {
    struct stat held {};
    struct stat named {};
    if (::fstat(descriptor_, &held) != 0) return "cannot be looked at";
    if (::lstat(path.c_str(), &named) != 0) return "was removed";
    if (held.st_dev != named.st_dev || held.st_ino != named.st_ino) return "was replaced by another file";
    if (held.st_size < size_seen_) return "was cut off by another program";
    size_seen_ = std::max<std::int64_t>(size_seen_, held.st_size);
    return {};
}

int HeldFile::sync() const { return ::fdatasync(descriptor_) == 0 ? 0 : errno; }

}  // namespace ledge::storage
