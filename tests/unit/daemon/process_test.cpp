#include "process.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

using namespace ledge::daemon;

namespace {

/// A service manager's socket; `name` as it stands in NOTIFY_SOCKET.
class Manager {
public:
    explicit Manager(const std::string& name) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(name.begin(), name.end(), address.sun_path);
        if (name.front() == '@') address.sun_path[0] = '\0';
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        REQUIRE(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    }
    ~Manager() {
        ::close(descriptor_);
        ::unsetenv("NOTIFY_SOCKET");
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    std::string received() const {
        std::array<char, 100> buffer{};
        const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : "";
    }

private:
    int descriptor_;
};

}  // namespace

TEST_CASE("the service manager is told by one datagram, at a path or an abstract name") {
    const std::string unique = "ledgemq-test-" + std::to_string(::getpid());
    const std::filesystem::path file = std::filesystem::temp_directory_path() / unique;
    for (const std::string& name : {file.string(), "@" + unique}) {
        const Manager manager(name);
        notify_service_manager("READY=1");
        CHECK(manager.received() == "READY=1");
        CHECK(manager.received().empty());
    }
    std::filesystem::remove(file);
}

TEST_CASE("without a service manager, or with a nonsensical one, nothing happens") {
    ::unsetenv("NOTIFY_SOCKET");
    notify_service_manager("READY=1");
    for (const std::string& name :
         {std::string(), std::string("@"), std::string("/nonexistent/socket"), std::string(500, 'x')}) {
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
        notify_service_manager("READY=1");
    }
    CHECK(::unsetenv("NOTIFY_SOCKET") == 0);
}

TEST_CASE("the soft limit of descriptors becomes the hard one") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = std::min<rlim_t>(64, before.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    CHECK(raise_descriptor_limit() == before.rlim_max);
    rlimit after{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
    CHECK(after.rlim_cur == before.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("a seed is not the same twice") { CHECK(random_seed() != random_seed()); }
