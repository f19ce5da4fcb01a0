#include "ledge/transport/file_watch.hpp"

#include <sys/stat.h>

#include <utility>

namespace ledge::transport {

FileWatch::FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)) { accept(); }

FileWatch::Stamps FileWatch::look() const {
    constexpr std::int64_t ns_per_s = 1'000'000'000;
    Stamps stamps;
    for (const std::string& path : paths_) {
        struct stat file {};
        Stamp stamp;
        if (::stat(path.c_str(), &file) == 0) {
            stamp = {file.st_ino, file.st_size, file.st_mtim.tv_sec * ns_per_s + file.st_mtim.tv_nsec,
                     file.st_ctim.tv_sec * ns_per_s + file.st_ctim.tv_nsec};
        }
        stamps.push_back(stamp);
    }
    return stamps;
}

bool FileWatch::has_settled_change() {
    Stamps now = look();
    const bool is_settled = now == before_;
    before_ = std::move(now);
    if (!is_settled || before_ == known_) return false;
    known_ = before_;
    return true;
}

void FileWatch::accept() { known_ = before_ = look(); }

}  // namespace ledge::transport
