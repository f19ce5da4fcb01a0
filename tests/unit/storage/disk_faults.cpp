#include "disk_faults.hpp"

#include <dlfcn.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace ledge::storage::test {

DiskFaults disk_faults;

void DiskFaults::clear() {
    pages = meta = syncs = 0;
    is_short = has_no_room = false;
}

}  // namespace ledge::storage::test

using ledge::storage::test::disk_faults;

namespace {

constexpr std::size_t page_size = 4096;  // a meta page is written as the part of it that changes

ssize_t refuse(int code) {
    errno = code;
    return -1;
}

}  // namespace

extern "C" {

ssize_t pwrite(int file, const void* data, std::size_t size, off_t at) {
    const bool is_meta = size < page_size;
    if (const int code = is_meta ? disk_faults.meta : disk_faults.pages) return refuse(code);
    const std::size_t taken = disk_faults.is_short && !is_meta ? size / 2 : size;
    return ::syscall(SYS_pwrite64, file, data, taken, at);
}

ssize_t writev(int file, const iovec* parts, int count) {
    if (const int code = disk_faults.pages) return refuse(code);
    return ::syscall(SYS_writev, file, parts, disk_faults.is_short ? std::max(1, count / 2) : count);
}

int fdatasync(int file) {
    ++disk_faults.synced;
    if (const int code = disk_faults.syncs) return static_cast<int>(refuse(code));
    return static_cast<int>(::syscall(SYS_fdatasync, file));
}

int statvfs(const char* path, struct statvfs* facts) {
    using Statvfs = int (*)(const char*, struct statvfs*);
    static const auto system = reinterpret_cast<Statvfs>(::dlsym(RTLD_NEXT, "statvfs"));
    const int result = system(path, facts);
    if (disk_faults.has_no_room) facts->f_bavail = 0;
    return result;
}
}
