#include "ledge/os/file_watch.hpp"

#include <sys/stat.h>

#include <utility>

namespace ledge::os {

static_assert(FileWatch::settle_interval < FileWatch::look_interval,
              "a change is confirmed before the next usual look");

namespace {

/// The first multiple of look_interval after `now`. All watches of the process use the same instants.
Instant next_common_look(Instant now) {
    const auto looks = now.time_since_epoch() / FileWatch::look_interval;
    return Instant((looks + 1) * FileWatch::look_interval);
}

}  // namespace

FileWatch::FileWatch(std::vector<std::string> paths, Instant now)
    : paths_(std::move(paths)), look_at_(next_common_look(now)) {
    accept();
}

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

bool FileWatch::on_time(Instant now) {
    if (now < next_deadline()) return false;
    Stamps seen = look();
    const bool is_settled = seen == before_;
    before_ = std::move(seen);
    const bool is_known = before_ == known_;
    // A change that the last look did not see may still be in progress: look again soon, and report it then.
    look_at_ = is_known || is_settled ? next_common_look(now) : now + settle_interval;
    if (is_known || !is_settled) return false;
    known_ = before_;
    return true;
}

void FileWatch::accept() { known_ = before_ = look(); }

}  // namespace ledge::os
