#include "ledge/runtime/process_figures.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "ledge/os/descriptor.hpp"

using namespace ledge;
using namespace ledge::runtime;

TEST_CASE("memory is what statm says, in pages") {
    char name[] = "/tmp/ledge-process-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    const std::string root = name;
    std::filesystem::create_directories(root + "/proc/self");
    std::ofstream(root + "/proc/self/statm") << "1000 300 120 50 0 200 0\n";
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const ProcessFigures figures = read_process_figures(root);
    CHECK(figures.virtual_bytes == 1000 * page);
    CHECK(figures.resident_bytes == 300 * page);
    CHECK(figures.anonymous_bytes == 180 * page);
    CHECK_FALSE(figures.open_descriptors);  // there is no such folder
    std::filesystem::remove_all(root);
}

TEST_CASE("each open descriptor counts, and the limit is that of the process") {
    const auto before = read_process_figures().open_descriptors;
    REQUIRE(before);
    std::vector<os::Descriptor> opened;
    for (int i = 0; i < 10; ++i) opened.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK(read_process_figures().open_descriptors == *before + 10);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(read_process_figures().descriptors_max == (limit.rlim_cur == RLIM_INFINITY ? 0 : limit.rlim_cur));
}

TEST_CASE("where the system does not count descriptors, at most entries_max entries are read") {
    char name[] = "/tmp/ledge-process-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    const std::string folder = name;
    for (const char* entry : {"/0", "/1", "/2"}) std::ofstream(folder + entry) << "";
    CHECK(count_descriptors(folder) == 3);
    CHECK(count_descriptors(folder, 3) == 3);
    CHECK_FALSE(count_descriptors(folder, 2));
    std::filesystem::remove_all(folder);
    CHECK_FALSE(count_descriptors(folder));
}

TEST_CASE("the time on a processor grows by work") {
    const std::uint64_t before = read_process_figures().cpu_us;
    volatile unsigned sum = 0;
    while (read_process_figures().cpu_us < before + 2'000) sum = sum + 1;
    CHECK(read_process_figures().cpu_us >= before + 2'000);
}
