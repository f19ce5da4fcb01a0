// Appends to the file of log.file and follows its name. One fstatat() a line, about a microsecond, finds each rotation
// before the line is written. A watch (inotify) would tell of the rotation after lines have gone to the old file.
#include "log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ledge/base/assert.hpp"

namespace ledge::daemon {
namespace {

// Group `adm` or a log shipper may read the log. Nobody else may: lines have user names and addresses.
constexpr mode_t log_file_mode = 0640;

// O_APPEND: after copytruncate the next line stands at the new end, and not behind a hole of the old size.
// O_NOFOLLOW: whoever can write the directory could otherwise direct the lines into a file of the broker's user.
// O_NONBLOCK: the open of a pipe would wait for a reader.
constexpr int open_flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

os::Descriptor open_or_create(const std::string& path) {
    os::Descriptor file(::open(path.c_str(), open_flags));
    if (file.is_open() || errno != ENOENT) return file;
    file.reset(::open(path.c_str(), open_flags | O_CREAT | O_EXCL, log_file_mode));
    // fchmod(), because the umask of a service is often 0077, and the group should be able to read the log.
    if (file.is_open()) {
        ::fchmod(file.get(), log_file_mode);
    } else if (errno == EEXIST) {
        // logrotate has created the file between the two calls.
        file.reset(::open(path.c_str(), open_flags));
    }
    return file;
}

bool write_whole(int descriptor, std::string_view text, bool& is_torn) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
        is_torn = !text.empty();
    }
    return true;
}

}  // namespace

Result<bool, Error> LogFile::open() {
    LEDGE_ASSERT(!path_.empty());
    os::Descriptor file = open_or_create(path_);
    if (!file.is_open()) {
        if (errno == ELOOP)
            return Failure{
                Error{system_code(ELOOP), "the log file {} is a symbolic link; name the file itself", path_}};
        return Failure{Error{system_code(errno), "the log file {} cannot be opened", path_}};
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return Failure{Error{{}, "the log file {} is no regular file; name another one", path_}};
    file_ = std::move(file);
    device_ = status.st_dev;
    inode_ = status.st_ino;
    is_torn_ = false;
    problem_.clear();
    is_problem_new_ = false;
    return true;
}

void LogFile::follow_name() {
    struct stat status {};
    const bool is_there = ::fstatat(AT_FDCWD, path_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && file_.is_open() && status.st_dev == device_ && status.st_ino == inode_) return;
    reopen();
}

void LogFile::reopen() {
    const auto opened = open();
    if (opened) return;
    // The lines go on into the former file, which an operator still finds under its new name.
    std::string problem = text_of(opened.error());
    is_problem_new_ = is_problem_new_ || problem != problem_;
    problem_ = std::move(problem);
}

bool LogFile::write(std::string_view line) {
    LEDGE_ASSERT(line.ends_with('\n'));
    follow_name();
    if (!file_.is_open()) {
        errno = EBADF;
        return false;
    }
    bool is_unused = false;
    if (is_torn_ && !write_whole(file_.get(), "\n", is_unused)) return false;
    is_torn_ = false;
    return write_whole(file_.get(), line, is_torn_);
}

std::string LogFile::take_problem() {
    if (!is_problem_new_) return {};
    is_problem_new_ = false;
    return problem_;
}

}  // namespace ledge::daemon
