// HeldFile: compares the held descriptor with the name of the file.
#include "held_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::storage {

Result<HeldFile, int> HeldFile::open(const std::string& path) {
    os::Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) return Failure{errno};
    return HeldFile(std::move(file));
}

std::string_view HeldFile::displacement(const std::string& path) {
    LEDGE_ASSERT(file_.is_open());
    struct stat held {};
    struct stat named {};
    if (::fstat(file_.get(), &held) != 0) return "cannot be examined";
    if (::lstat(path.c_str(), &named) != 0) return "was removed";
    // Device and inode together identify a file; a renamed copy has another inode.
    if (held.st_dev != named.st_dev || held.st_ino != named.st_ino) return "was replaced by another file";
    // LMDB never shortens its file, so another program has done it.
    if (held.st_size < size_seen_) return "was cut off by another program";
    size_seen_ = std::max<std::int64_t>(size_seen_, held.st_size);
    return {};
}

int HeldFile::sync() const { return ::fdatasync(file_.get()) == 0 ? 0 : errno; }

}  // namespace ledge::storage
