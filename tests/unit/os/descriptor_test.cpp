#include "ledge/os/descriptor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>
#include <utility>

using namespace ledge::os;

namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

static_assert(!std::is_copy_constructible_v<Descriptor>);
static_assert(sizeof(Descriptor) == sizeof(int));

}  // namespace

TEST_CASE("a descriptor is closed with its owner, and an empty one closes nothing") {
    int number = no_descriptor;
    {
        const Descriptor file(open_null());
        number = file.get();
        REQUIRE(file.is_open());
        CHECK(is_open(number));
    }
    CHECK(!is_open(number));
    const Descriptor failed(::open("/nowhere/at/all", O_RDONLY));
    CHECK(!failed.is_open());
    CHECK(!Descriptor().is_open());
}

TEST_CASE("a move hands the ownership over, and closes what the target owned") {
    Descriptor first(open_null());
    Descriptor second(open_null());
    const int kept = first.get();
    const int closed = second.get();
    second = std::move(first);
    CHECK(second.get() == kept);
    CHECK(!is_open(closed));
    const Descriptor third(std::move(second));
    CHECK(third.get() == kept);
    CHECK(is_open(kept));
}

TEST_CASE("release() leaves the number open and the object empty") {
    Descriptor file(open_null());
    const int number = file.release();
    CHECK(!file.is_open());
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("reset() closes early, replaces, and leaves errno alone") {
    Descriptor file(open_null());
    const int first = file.get();
    const int second = open_null();
    errno = ENOSPC;
    file.reset(second);
    CHECK(errno == ENOSPC);
    CHECK(!is_open(first));
    CHECK(file.get() == second);
    file.reset();
    CHECK(!is_open(second));
}
