#include "ledge/base/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ledge {
namespace {

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }

private:
    int number_;
};

Failure<std::string> failure(const char* what) { return Failure{std::string(what) + ": " + std::strerror(errno)}; }

std::string kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

}  // namespace

Result<FileText, std::string> read_regular_file(const std::string& path, std::size_t bytes_max) {
    // O_NONBLOCK: the open of a pipe would wait for somebody who writes to it.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (file.get() < 0) return failure("cannot be opened");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failure("cannot be read");
    if (!S_ISREG(status.st_mode)) return Failure{"is " + kind_of(status.st_mode) + "; name a regular file"};
    FileText result{std::string(bytes_max + 1, '\0'), status.st_mode};
    std::size_t size = 0;
    while (size < result.text.size()) {
        const ssize_t got = ::read(file.get(), result.text.data() + size, result.text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure("cannot be read");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    result.text.resize(size);
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // what some editors write
    if (result.text.starts_with(byte_order_mark)) result.text.erase(0, byte_order_mark.size());
    return result;
}

}  // namespace ledge
