#include "service_manager.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

using namespace ledge;
using namespace ledge::daemon;

namespace {

/// A variable of the environment for the time of a test.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

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
        std::array<char, 300> buffer{};
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
        ServiceManager().ready("Serving on 127.0.0.1:1883");
        CHECK(manager.received() == "READY=1\nSTATUS=Serving on 127.0.0.1:1883");
        CHECK(manager.received().empty());
    }
    std::filesystem::remove(file);
}

TEST_CASE("each change of the service has the variables of sd_notify") {
    const Manager manager("@ledgemq-test-words-" + std::to_string(::getpid()));
    const ServiceManager told;
    told.ready_as_main("x");
    CHECK(manager.received() == "READY=1\nMAINPID=" + std::to_string(::getpid()) + "\nSTATUS=x");
    told.reloading(Instant{} + 1234567us);
    CHECK(manager.received() == "RELOADING=1\nMONOTONIC_USEC=1234567");
    told.still_ready();
    CHECK(manager.received() == "READY=1");
    told.stopping(90s);
    CHECK(manager.received() == "STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=90000000");
    told.extend_timeout(1s);
    CHECK(manager.received() == "EXTEND_TIMEOUT_USEC=1000000");
    told.status("busy");
    CHECK(manager.received() == "STATUS=busy");
    told.feed_watchdog();
    CHECK(manager.received() == "WATCHDOG=1");
}

TEST_CASE("without a service manager, or with a nonsensical one, nothing happens") {
    ::unsetenv("NOTIFY_SOCKET");
    ServiceManager().ready("");
    for (const std::string& name :
         {std::string(), std::string("@"), std::string("/nonexistent/socket"), std::string(500, 'x')}) {
        const Variable socket("NOTIFY_SOCKET", name);
        ServiceManager().ready("");
    }
}

TEST_CASE("the watchdog is fed twice in its time, by the process that it is meant for") {
    const Manager manager("@ledgemq-test-watchdog-" + std::to_string(::getpid()));
    CHECK(!ServiceManager().watchdog_interval());
    const Variable time("WATCHDOG_USEC", "30000000");
    CHECK(ServiceManager().watchdog_interval() == 15s);
    {
        const Variable other("WATCHDOG_PID", std::to_string(::getpid() + 1));
        CHECK(!ServiceManager().watchdog_interval());
    }
    const Variable own("WATCHDOG_PID", std::to_string(::getpid()));
    CHECK(ServiceManager().watchdog_interval() == 15s);
    for (const char* nonsense : {"", "0", "-5", "soon", "30000000x", "99999999999999999999"}) {
        const Variable wrong("WATCHDOG_USEC", nonsense);
        CHECK(!ServiceManager().watchdog_interval());
    }
}
