#include "predecessor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "ledge/base/assert.hpp"
#include "upgrade_channel.hpp"

using namespace ledge;
using namespace ledge::daemon;

namespace {

/// A listening socket of the loopback interface.
os::Descriptor listening() {
    os::Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
    const auto address = os::SocketAddress::loopback_ipv4(0);
    REQUIRE(::bind(socket.get(), address.get(), address.size()) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
}

/// Runs `body` in a child whose descriptors 3 and following are `given`. True: `body` has returned true. The numbers of
/// the descriptors are fixed, so a child is the only place where a test may use them.
bool in_child(const std::vector<int>& given, const std::function<bool()>& body) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::vector<int> copies;
        for (const int one : given) copies.push_back(::fcntl(one, F_DUPFD, 100));
        for (std::size_t i = 0; i < copies.size(); ++i) ::dup2(copies[i], 3 + static_cast<int>(i));
        ::_exit(body() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void set_variables(const std::string& count, const std::string& names, pid_t reader) {
    ::setenv("LISTEN_FDS", count.c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    ::setenv("LISTEN_PID", std::to_string(reader).c_str(), 1);
}

std::string problem_with_count(const std::string& count) {
    set_variables(count, "", ::getpid());
    const auto made = Predecessor::from_environment();
    return made ? "" : text_of(made.error());
}

}  // namespace

TEST_CASE("a process that nobody has given sockets has none") {
    auto made = Predecessor::from_environment();
    REQUIRE(made.ok());
    CHECK(!made.value().is_upgrade());
    CHECK(made.value().sockets().left().empty());
    CHECK(made.value().await_store());
}

TEST_CASE("sockets of the service manager have their names, and its variables are gone for further programs") {
    const os::Descriptor socket = listening();
    const std::string address = to_text(os::own_address(socket.get()));
    CHECK(in_child({socket.get()}, [&] {
        set_variables("1", "mqtt", ::getpid());
        auto made = Predecessor::from_environment();
        return made && !made.value().is_upgrade() &&
               made.value().sockets().from() == os::GivenSockets::From::service_manager &&
               made.value().sockets().left() == std::vector<std::string>{address + " (name mqtt)"} &&
               std::getenv("LISTEN_FDS") == nullptr && std::getenv("LISTEN_PID") == nullptr;
    }));
}

TEST_CASE("sockets that are meant for another process are left alone") {
    CHECK(in_child({}, [] {
        set_variables("1", "mqtt", ::getpid() + 1);
        auto made = Predecessor::from_environment();
        return made && made.value().sockets().left().empty();
    }));
}

TEST_CASE("descriptors that cannot be served are refused with the remedy") {
    const os::Descriptor file(::open("/dev/null", O_RDONLY));
    CHECK(in_child({file.get()}, [] { return problem_with_count("1").find("ListenStream=") != std::string::npos; }));
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    const os::Descriptor one(pair[0]);
    const os::Descriptor other(pair[1]);
    CHECK(in_child({one.get()}, [] { return problem_with_count("1").find("Accept=no") != std::string::npos; }));
    for (const char* count : {"0", "-1", "x", "1025"})
        CHECK(in_child({}, [&] { return problem_with_count(count) == "LISTEN_FDS must be 1 to 1024"; }));
    CHECK(in_child({}, [] {
        ::close(3);
        return problem_with_count("1").find("descriptor 3 of LISTEN_FDS") != std::string::npos;
    }));
}

TEST_CASE("in an upgrade the first descriptor is the channel, and the old broker opens the store for the new one") {
    auto ends = UpgradeChannel::create();
    REQUIRE(ends.ok());
    const UpgradeChannel& old_end = ends.value().first;
    std::vector<os::GivenSocket> sockets;
    sockets.push_back({"a:b", listening(), true});
    sockets.push_back({"plain", listening(), false});
    const std::string first = to_text(os::own_address(sockets[0].socket.get()));
    const std::string second = to_text(os::own_address(sockets[1].socket.get()));
    const std::vector<std::string> environment = environment_for_successor(sockets);
    REQUIRE(old_end.say(UpgradeChannel::Word::open));
    CHECK(in_child({ends.value().second.descriptor(), sockets[0].socket.get(), sockets[1].socket.get()}, [&] {
        for (const std::string& entry : environment) ::putenv(const_cast<char*>(entry.c_str()));
        auto made = Predecessor::from_environment();
        if (!made || !made.value().is_upgrade()) return false;
        Predecessor& predecessor = made.value();
        const bool has_sockets =
            predecessor.sockets().left() == std::vector<std::string>{first + " (name a_b)", second + " (name plain)"};
        const bool may_open = predecessor.await_store();
        predecessor.tell_serving();
        return has_sockets && may_open && !predecessor.is_upgrade() && std::getenv("LEDGEMQ_UPGRADE") == nullptr;
    }));
    CHECK(old_end.hear() == UpgradeChannel::Word::prepared);
    CHECK(old_end.hear() == UpgradeChannel::Word::serving);
    ends.value().second.close();
    CHECK(old_end.hear() == UpgradeChannel::Word::ended);
}

TEST_CASE("without its old broker, a new one neither waits nor opens the store") {
    CHECK(in_child({}, [] {
        ::setenv("LEDGEMQ_UPGRADE", std::to_string(::getppid() + 1).c_str(), 1);
        const auto made = Predecessor::from_environment();
        return !made && text_of(made.error()).find("has ended") != std::string::npos;
    }));
    auto ends = UpgradeChannel::create();
    REQUIRE(ends.ok());
    ends.value().first.close();
    const int descriptor = ends.value().second.descriptor();
    CHECK(in_child({descriptor}, [] {
        ::setenv("LEDGEMQ_UPGRADE", std::to_string(::getppid()).c_str(), 1);
        set_variables("1", "channel", 0);
        auto made = Predecessor::from_environment();
        return made && !made.value().await_store();
    }));
}

TEST_CASE("the environment of the new broker has nothing that is meant for the old one only") {
    ::setenv("LISTEN_FDS", "7", 1);
    ::setenv("WATCHDOG_PID", "5", 1);
    ::setenv("WATCHDOG_USEC", "1000", 1);
    const std::vector<std::string> environment = environment_for_successor({});
    for (const char* name : {"LISTEN_FDS", "WATCHDOG_PID", "WATCHDOG_USEC"}) ::unsetenv(name);
    const auto has = [&](const char* entry) { return std::ranges::find(environment, entry) != environment.end(); };
    CHECK(has("LISTEN_FDS=1"));
    CHECK(has("LISTEN_FDNAMES=channel"));
    CHECK(has("WATCHDOG_USEC=1000"));
    CHECK(!has("LISTEN_FDS=7"));
    CHECK(!has("WATCHDOG_PID=5"));
}

TEST_CASE("a channel tells words from nonsense") {
    auto ends = UpgradeChannel::create();
    REQUIRE(ends.ok());
    const auto& [one, other] = ends.value();
    CHECK(one.hear() == UpgradeChannel::Word::nothing);
    CHECK(one.wait(Duration::zero()) == UpgradeChannel::Word::nothing);
    REQUIRE(::send(other.descriptor(), "prepare", 7, 0) == 7);
    CHECK(one.hear() == UpgradeChannel::Word::nonsense);
    REQUIRE(::send(other.descriptor(), "prepared", 8, 0) == 8);
    CHECK(one.wait(1s) == UpgradeChannel::Word::prepared);
}
