#include "ledge/runtime/memory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

using namespace ledge::runtime;

namespace {

constexpr std::size_t mib = 1024 * 1024;

// A directory with the files that the system would show.
struct System {
    System() {
        char name[] = "/tmp/ledge-memory-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        root = name;
    }
    ~System() { std::filesystem::remove_all(root); }
    System& has(const std::string& path, const std::string& content) {
        std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
        std::ofstream(root + path) << content;
        return *this;
    }
    std::uint64_t limit() const { return control_group_limit(root); }

    std::string root;
};

const char* const mounts_of_version_1 =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /groups/memory rw,relatime shared:10 - cgroup cgroup rw,memory\n";
const char* const unlimited = "9223372036854771712\n";

}  // namespace

TEST_CASE("the usual budget is half of the machine, or three quarters of the control groups' limit, what is less") {
    CHECK(usual_memory_budget(1000, 0) == 500);
    CHECK(usual_memory_budget(1000, 400) == 300);
    CHECK(usual_memory_budget(1000, 4000) == 500);
    CHECK(usual_memory_budget(0, 400) == 300);
    CHECK(usual_memory_budget(0, 0) == 0);
    CHECK(usual_memory_budget() > 0);
}

TEST_CASE("control groups of version 2: the smallest limit of the own group and of those above it holds") {
    System system;
    CHECK(system.limit() == 0);  // nothing can be read
    system.has("/proc/self/cgroup", "0::/system.slice/broker.service\n")
        .has("/proc/self/mountinfo",
             "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    CHECK(system.limit() == 0);
    system.has("/sys/fs/cgroup/system.slice/broker.service/memory.max", "max\n");
    CHECK(system.limit() == 0);
    system.has("/sys/fs/cgroup/system.slice/memory.max", "3000000\n");
    CHECK(system.limit() == 3'000'000);
    system.has("/sys/fs/cgroup/system.slice/broker.service/memory.max", "4000000\n");
    CHECK(system.limit() == 3'000'000);
    system.has("/sys/fs/cgroup/system.slice/broker.service/memory.high",
               "2000000\n");  // the kernel slows it from there
    CHECK(system.limit() == 2'000'000);
}

TEST_CASE("control groups of version 2: a container sees its own group as the root") {
    System system;
    system.has("/proc/self/cgroup", "0::/\n")
        .has("/proc/self/mountinfo", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n")
        .has("/sys/fs/cgroup/memory.max", "700000\n");
    CHECK(system.limit() == 700'000);
    system.has("/proc/self/cgroup", "0::/../../elsewhere\n");
    CHECK(system.limit() == 700'000);
}

TEST_CASE("control groups of version 1: the memory controller's mount is found, and every group above counts") {
    System system;
    system.has("/proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/outer/inner\n1:name=systemd:/a\n0::/\n")
        .has("/proc/self/mountinfo", mounts_of_version_1)
        .has("/groups/memory/memory.limit_in_bytes", unlimited)
        .has("/groups/memory/outer/inner/memory.limit_in_bytes", unlimited);
    CHECK(system.limit() == 0);
    system.has("/groups/memory/outer/memory.limit_in_bytes", "52428800\n");
    CHECK(system.limit() == 52'428'800);
    system.has("/groups/memory/outer/inner/memory.limit_in_bytes", "41943040\n");
    CHECK(system.limit() == 41'943'040);
}

TEST_CASE("control groups of version 1: a container is shown the end of its group's path only") {
    System system;
    system.has("/proc/self/cgroup", "4:memory:/docker/abc/work\n")
        .has("/proc/self/mountinfo", "35 31 0:32 /docker/abc /groups/memory ro - cgroup cgroup rw,memory\n")
        .has("/groups/memory/memory.limit_in_bytes", "9000000\n")
        .has("/groups/memory/work/memory.limit_in_bytes", "8000000\n");
    CHECK(system.limit() == 8'000'000);
    system.has("/proc/self/cgroup", "4:memory:/another\n");  // moved out: the mount's own group is all that is seen
    CHECK(system.limit() == 9'000'000);
}

TEST_CASE("lines that are none of the grammar's are no limit, whatever they hold") {
    System system;
    system.has("/proc/self/cgroup", "\n::\n:\nmemory\n4:memory:\n0::\n")
        .has("/proc/self/mountinfo", "\n - \n - cgroup2\n1 2 3 - cgroup2 x y\n35 31 0:32 / /m rw - cgroup\n");
    CHECK(system.limit() == 0);
}

TEST_CASE("resident pages without those of files are what statm leaves") {
    CHECK(anonymous_bytes("30000 1500 1100 5 0 400 0\n", 4096) == 400 * 4096);
    CHECK(anonymous_bytes("30000 1500 1500 5 0 400 0\n", 4096) == 0);
    CHECK(anonymous_bytes("30000 1500 1600 5 0 400 0\n", 4096) == 0);
    CHECK(anonymous_bytes("", 4096) == 0);
}

TEST_CASE("anonymous memory grows with what is allocated and touched, not with the pages of a mapped file") {
    constexpr std::size_t size = 32 * mib;
    const std::uint64_t before = anonymous_bytes();
    CHECK(before > 10'000);
    {
        System system;
        std::ofstream(system.root + "/file").seekp(size - 1).put('x');  // a copy of it in memory would count
        const int descriptor = ::open((system.root + "/file").c_str(), O_RDONLY | O_CLOEXEC);
        void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0);
        REQUIRE(map != MAP_FAILED);
        CHECK(static_cast<const char*>(map)[size - 1] == 'x');
        CHECK(anonymous_bytes() < before + size / 2);
        ::munmap(map, size);
        ::close(descriptor);
    }
    const auto block = std::make_unique<char[]>(size);
    std::memset(block.get(), 1, size);
    CHECK(anonymous_bytes() >= before + size / 2);
    CHECK(block[size - 1] == 1);
}
