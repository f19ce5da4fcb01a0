#include "ledge/transport/listener.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "ledge/os/given_sockets.hpp"
#include "ledge/session/listener_options.hpp"
#include "rig.hpp"

namespace ledge::transport {
namespace {

using broker::say;

/// A folder of its own that goes away with the test.
struct Folder {
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "ledge-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string file(const char* name) const { return (path / name).string(); }
    std::filesystem::path path;
};

Endpoint on_path(std::string path) {
    Endpoint endpoint;
    endpoint.kind = Endpoint::Kind::unix_socket;
    endpoint.path = std::move(path);
    return endpoint;
}

Endpoint on_host(std::string host, std::uint16_t port = 0) {
    Endpoint endpoint;
    endpoint.host = std::move(host);
    endpoint.port = port;
    return endpoint;
}

std::string error_of(Rig& rig, const Endpoint& endpoint) {
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const auto listener = Listener::create(endpoint, *front, rig.driver, rig.log);
    return listener.ok() ? "" : text_of(listener.error());
}

/// The descriptor of our side of the client's connection.
int server_side_of(const Client& client) {
    sockaddr_in mine{};
    socklen_t size = sizeof mine;
    REQUIRE(::getsockname(client.descriptor, reinterpret_cast<sockaddr*>(&mine), &size) == 0);
    for (int descriptor = 3; descriptor < 1024; ++descriptor) {
        sockaddr_in peer{};
        size = sizeof peer;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        if (peer.sin_family == AF_INET && peer.sin_port == mine.sin_port) return descriptor;
    }
    return -1;
}

int option(int descriptor, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(descriptor, level, name, &value, &size) == 0);
    return value;
}

TEST_CASE("a peer is announced with its listener and address, its socket prompt and kept alive") {
    Rig rig;
    rig.listen_tcp();
    const std::uint16_t port = rig.listen_tcp();
    const Client client = Client::to_port(port);
    REQUIRE(rig.until([&] { return rig.core.open.size() == 1; }));
    sockaddr_in mine{};
    socklen_t size = sizeof mine;
    REQUIRE(::getsockname(client.descriptor, reinterpret_cast<sockaddr*>(&mine), &size) == 0);
    CHECK(rig.core.addresses[0] == "127.0.0.1:" + std::to_string(ntohs(mine.sin_port)));
    CHECK(rig.core.peers[0].listener == 1);
    const int server_side = server_side_of(client);
    REQUIRE(server_side >= 0);
    CHECK(option(server_side, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option(server_side, SOL_SOCKET, SO_KEEPALIVE) != 0);
}

TEST_CASE("a peer that is gone without a word is noticed within minutes, with a keep alive of 0 too") {
    Rig rig;
    const Client client = Client::to_port(rig.listen_tcp());
    REQUIRE(rig.until([&] { return rig.core.open.size() == 1; }));
    const int server_side = server_side_of(client);
    REQUIRE(server_side >= 0);
    CHECK(option(server_side, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
    CHECK(option(server_side, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
    CHECK(option(server_side, IPPROTO_TCP, TCP_KEEPCNT) == 4);
    CHECK(option(server_side, IPPROTO_TCP, TCP_USER_TIMEOUT) == 300'000);
}

TEST_CASE("a name stands for all its addresses, on one port") {
    Rig rig;
    rig.listen(on_host("localhost"));
    const std::vector<std::string> addresses = rig.listeners[0]->addresses();
    REQUIRE(!addresses.empty());
    const std::string port = addresses[0].substr(addresses[0].rfind(':'));
    CHECK(addresses[0] == "127.0.0.1" + port);
    if (addresses.size() > 1) CHECK(addresses[1] == "[::1]" + port);  // a machine without IPv6 has one

    rig.listen(on_host(""));
    CHECK(rig.listeners[1]->addresses().back().starts_with("0.0.0.0:"));
}

TEST_CASE("[::] stands for every interface, IPv4 too, unless IPv4 has a listener of its own there") {
    Rig rig;
    rig.listen(on_host("::"));
    CHECK(rig.listeners[0]->addresses().back().starts_with("0.0.0.0:"));
    Endpoint alone = on_host("::");
    alone.is_ipv6_only = true;
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const auto listener = Listener::create(alone, *front, rig.driver, rig.log);
    if (listener.ok()) CHECK(listener.value()->addresses().size() == 1);  // a machine without IPv6 has none
}

TEST_CASE("an address that is not there yet may come; one that is taken is an error") {
    Rig rig;
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const auto absent = Listener::create(on_host("192.0.2.1", 1883), *front, rig.driver, rig.log);
    REQUIRE(!absent.ok());
    CHECK(may_pass(absent.error()));
    const std::string taken = rig.listen(on_host("127.0.0.1"));
    const auto port = static_cast<std::uint16_t>(std::stoi(taken.substr(taken.rfind(':') + 1)));
    const auto in_use = Listener::create(on_host("127.0.0.1", port), *front, rig.driver, rig.log);
    REQUIRE(!in_use.ok());
    CHECK_FALSE(may_pass(in_use.error()));
}

TEST_CASE("an address that cannot be had is refused with the address and the reason") {
    Rig rig;
    const std::string taken = rig.listen(on_host("127.0.0.1"));
    const auto port = static_cast<std::uint16_t>(std::stoi(taken.substr(taken.rfind(':') + 1)));
    CHECK(error_of(rig, on_host("127.0.0.1", port)) == "cannot listen on " + taken + ": Address already in use");
    CHECK(error_of(rig, on_host("192.0.2.1", 1883)) ==
          "cannot listen on 192.0.2.1:1883: Cannot assign requested address");
    CHECK(error_of(rig, on_path("")) == "cannot listen on unix:: the path must have 1 to 107 bytes");
    CHECK(error_of(rig, on_path("/" + std::string(107, 'x'))).ends_with("the path must have 1 to 107 bytes"));
    CHECK(error_of(rig, on_path("/no/such/folder/socket")).ends_with("No such file or directory"));
}

TEST_CASE("a peer that the shard refuses is closed") {
    Rig rig;
    const std::uint16_t port = rig.listen_tcp();
    rig.core.refuses = true;
    Client client = Client::to_port(port);
    CHECK(rig.until([&] {
        client.read();
        return client.is_ended;
    }));
    CHECK(rig.core.refused == 1);
    CHECK(rig.driver.link_count() == 0);
}

TEST_CASE("a thousand connections come and go and leave no descriptor behind") {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlimit wide = limit;
    wide.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &wide) == 0);
    REQUIRE(wide.rlim_cur > 2100);
    Rig rig;
    const std::uint16_t port = rig.listen_tcp();
    const std::size_t before = open_descriptors();
    {
        std::vector<Client> clients;
        for (int i = 0; i < 1000; ++i) clients.push_back(Client::to_port(port));
        REQUIRE(rig.until([&] { return rig.core.open.size() == 1000; }));
        CHECK(open_descriptors() == before + 2000);
        for (std::size_t i = 0; i < 300; ++i) clients[i].reset();
        for (std::size_t i = 300; i < 600; ++i) rig.core.open[i]->close_silently();
    }
    CHECK(rig.until([&] { return rig.driver.link_count() == 0; }));
    CHECK(rig.core.closed == 1000);
    CHECK(open_descriptors() == before);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// As many descriptors as are open now, and `more`; as it was before at the end.
struct DescriptorLimit {
    explicit DescriptorLimit(rlim_t more) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        const int next = ::dup(0);  // the lowest free number
        REQUIRE(next >= 0);
        ::close(next);
        rlimit low = before;
        low.rlim_cur = static_cast<rlim_t>(next) + more;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    }
    ~DescriptorLimit() { restore(); }
    void restore() { ::setrlimit(RLIMIT_NOFILE, &before); }
    rlimit before{};
};

TEST_CASE("without descriptors peers are turned away, said once, and accepting goes on when there are some") {
    Rig rig;
    const std::uint16_t port = rig.listen_tcp();
    std::vector<Client> clients;
    for (int i = 0; i < 6; ++i) clients.emplace_back();
    DescriptorLimit limit(2);
    for (Client& client : clients) REQUIRE(client.connect_port(port));
    REQUIRE(rig.until([&] { return !rig.log_lines.empty(); }));
    CHECK(rig.core.open.size() == 2);
    CHECK(rig.log_lines[0].find("accepting_paused") != std::string::npos);
    CHECK(rig.log_lines[0].find("turned_away=4") != std::string::npos);
    for (std::size_t i = 2; i < 6; ++i) {
        clients[i].read();
        CHECK((clients[i].is_ended || clients[i].is_reset));
    }

    // Paused: a new peer waits in the backlog and wakes nobody.
    clients.back().reset();
    clients.pop_back();
    limit.restore();
    clients.emplace_back();
    REQUIRE(clients.back().connect_port(port));
    CHECK(rig.turn(20) == 0);
    CHECK(rig.listeners[0]->next_deadline() == rig.driver.now() + Listener::pause);

    rig.advance(Listener::pause);
    CHECK(rig.listeners[0]->next_deadline() == never);
    CHECK(rig.until([&] { return rig.core.open.size() == 3; }));
    CHECK(rig.log_lines.size() == 1);
}

TEST_CASE("a Unix socket serves its owner and group, and its file goes away with it") {
    const Folder folder;
    const std::string path = folder.file("broker.sock");
    {
        Rig rig;
        CHECK(rig.listen(on_path(path)) == "unix:" + path);
        struct stat file {};
        REQUIRE(::stat(path.c_str(), &file) == 0);
        CHECK((file.st_mode & 0777U) == 0660U);
        Client client = Client::to_path(path);
        rig.core.on_bytes = [](session::Connection& connection, Bytes bytes) { say(connection, as_text(bytes)); };
        client.send("hello");
        CHECK(rig.until([&] {
            client.read();
            return client.received == "hello";
        }));
        CHECK(rig.core.addresses[0] == "unix");
        { const Client gone = std::move(client); }
        CHECK(rig.until([&] { return rig.driver.link_count() == 0; }));
        CHECK(rig.poller->poll(0) == 0);
    }
    CHECK(!std::filesystem::exists(path));
}

TEST_CASE("a Unix peer that goes away while it is owed bytes does not keep the loop busy") {
    const Folder folder;
    Rig rig;
    rig.listen(on_path(folder.file("broker.sock")));
    {
        const Client client = Client::to_path(folder.file("broker.sock"));
        REQUIRE(rig.until([&] { return rig.core.open.size() == 1; }));
        say(*rig.core.open[0], std::string(16'000'000, 'x'));
        rig.turn();
        REQUIRE(!rig.core.open[0]->outbox().empty());
    }
    CHECK(rig.until([&] { return rig.core.closed == 1; }));
    CHECK(rig.poller->poll(0) == 0);
}

TEST_CASE("a socket file is replaced only when nobody listens on it") {
    const Folder folder;
    const std::string path = folder.file("broker.sock");
    Rig rig;
    SUBCASE("left behind by a process that is gone") {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        {
            const Client left(AF_UNIX);
            REQUIRE(::bind(left.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        }
        REQUIRE(std::filesystem::exists(path));
        rig.listen(on_path(path));
        const Client client = Client::to_path(path);
        CHECK(rig.until([&] { return rig.core.open.size() == 1; }));
    }
    SUBCASE("somebody listens") {
        rig.listen(on_path(path));
        CHECK(error_of(rig, on_path(path)) == "cannot listen on unix:" + path + ": Address already in use");
        const Client client = Client::to_path(path);  // still there
        CHECK(rig.until([&] { return rig.core.open.size() == 1; }));
    }
    SUBCASE("not a socket") {
        std::ofstream(path) << "precious";
        CHECK(error_of(rig, on_path(path)).ends_with("Address already in use"));
        std::string content;
        std::ifstream(path) >> content;
        CHECK(content == "precious");
    }
}

TEST_CASE("connections beyond the rate wait in the kernel, and are taken in time") {
    Rig rig;
    rig.fronts.push_back(make_plain_front(0, rig.driver, rig.log));
    auto made = Listener::create(on_host("127.0.0.1"), *rig.fronts.back(), rig.driver, rig.log, AcceptRate{2, 3});
    REQUIRE(made.ok());
    REQUIRE(!(*made)->start());
    rig.listeners.push_back(std::move(*made));
    const std::string address = rig.listeners.back()->addresses().front();
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    std::vector<Client> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(Client::to_port(port));
    CHECK(rig.until([&] { return rig.core.accept_pauses == 1; }));
    CHECK(rig.core.open.size() == 3);
    CHECK(rig.turn() == 0);  // it does not wake up for those who wait
    CHECK(rig.listeners.back()->next_deadline() == rig.clock.now() + 500ms);
    for (const std::size_t expected : {4U, 5U, 6U}) {
        rig.advance(500ms);
        CHECK(rig.until([&] { return rig.core.open.size() == expected; }));
        rig.turn();
        CHECK(rig.core.open.size() == expected);
    }
    rig.advance(10s);
    rig.turn();
    CHECK(rig.listeners.back()->next_deadline() == never);
    CHECK(std::ranges::count_if(rig.log_lines, [](const std::string& line) {
              return line.find("accepting_slowed") != std::string::npos;
          }) == 1);
}

TEST_CASE("a socket file that another one has replaced is left alone") {
    const Folder folder;
    const std::string path = folder.file("broker.sock");
    {
        Rig rig;
        rig.listen(on_path(path));
        std::filesystem::remove(path);
        std::ofstream(path) << "other";
    }
    CHECK(std::filesystem::exists(path));
}

// ---------------------------------------------------------------------------------------------------------------------
// Sockets that another process has opened

/// A socket in the listening state, and its address.
os::GivenSocket given_socket(const os::SocketAddress& address, std::string name = "") {
    os::Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0));
    REQUIRE(::bind(socket.get(), address.get(), address.size()) == 0);
    REQUIRE(::listen(socket.get(), 5) == 0);
    return {std::move(name), std::move(socket), true};
}

TEST_CASE("a socket of another process with the address of the endpoint is used, with those who wait there") {
    Rig rig;
    os::GivenSockets sockets;
    os::GivenSocket given = given_socket(os::SocketAddress::loopback_ipv4(0));
    const std::uint16_t port = os::own_address(given.socket.get()).port();
    const Client early = Client::to_port(port);
    sockets.add(std::move(given));
    const auto front = make_plain_front(0, rig.driver, rig.log);
    auto listener = Listener::create(on_host("127.0.0.1", port), *front, rig.driver, rig.log, {}, {&sockets, "x"});
    REQUIRE(listener.ok());
    CHECK(sockets.left().empty());
    CHECK(listener.value()->addresses() == std::vector<std::string>{"127.0.0.1:" + std::to_string(port)});
    REQUIRE(!(*listener)->start());
    CHECK(rig.until([&] { return rig.core.open.size() == 1; }));
    rig.driver.close_all();
}

TEST_CASE("a socket of another address is left, and the endpoint is bound") {
    Rig rig;
    os::GivenSockets sockets;
    sockets.add(given_socket(os::SocketAddress::loopback_ipv4(0), "x"));
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const auto listener = Listener::create(on_host("127.0.0.2"), *front, rig.driver, rig.log, {}, {&sockets, "y"});
    REQUIRE(listener.ok());
    CHECK(listener.value()->addresses()[0].starts_with("127.0.0.2:"));
    CHECK(sockets.left().size() == 1);
}

TEST_CASE("the name counts for sockets of the service manager, and otherwise only where the address tells nothing") {
    Rig rig;
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const auto takes = [&](os::GivenSockets::From from, std::uint16_t port) {
        os::GivenSockets sockets(from);
        sockets.add(given_socket(os::SocketAddress::loopback_ipv4(0), "x"));
        const auto listener =
            Listener::create(on_host("127.0.0.2", port), *front, rig.driver, rig.log, {}, {&sockets, "x"});
        REQUIRE(listener.ok());
        return sockets.left().empty();
    };
    const std::uint16_t port = rig.listen_tcp();  // free at 127.0.0.2
    CHECK(takes(os::GivenSockets::From::service_manager, port));
    CHECK(takes(os::GivenSockets::From::service_manager, 0));
    CHECK(!takes(os::GivenSockets::From::former_broker, port));
    CHECK(takes(os::GivenSockets::From::former_broker, 0));
}

TEST_CASE("one socket of the service manager for all interfaces of IPv6 and IPv4 serves both") {
    Rig rig;
    os::Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) return;  // a machine without IPv6
    const int off = 0;
    REQUIRE(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0);
    const auto any = os::SocketAddress::any_ipv6(0);
    REQUIRE(::bind(socket.get(), any.get(), any.size()) == 0);
    REQUIRE(::listen(socket.get(), 5) == 0);
    const std::uint16_t port = os::own_address(socket.get()).port();
    os::GivenSockets sockets(os::GivenSockets::From::service_manager);
    sockets.add({"", std::move(socket), false});
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const auto listener = Listener::create(on_host("", port), *front, rig.driver, rig.log, {}, {&sockets, "x"});
    REQUIRE_MESSAGE(listener.ok(), (listener.ok() ? "" : text_of(listener.error())));
    CHECK(listener.value()->addresses().size() == 1);
    REQUIRE(!listener.value()->start());
    const Client client = Client::to_port(port);
    CHECK(rig.until([&] { return rig.core.open.size() == 1; }));
    rig.driver.close_all();
}

TEST_CASE("the file of a Unix socket goes with its owner, and stays when another process has it") {
    Rig rig;
    const Folder folder;
    const auto front = make_plain_front(0, rig.driver, rig.log);
    for (const bool is_file_ours : {true, false}) {
        const std::string path = folder.file(is_file_ours ? "ours" : "theirs");
        os::GivenSockets sockets;
        os::GivenSocket given = given_socket(*os::SocketAddress::of_path(path));
        given.is_file_ours = is_file_ours;
        sockets.add(std::move(given));
        {
            const auto listener = Listener::create(on_path(path), *front, rig.driver, rig.log, {}, {&sockets, "x"});
            REQUIRE(listener.ok());
            CHECK(sockets.left().empty());
            std::vector<os::GivenSocket> duplicates;
            listener.value()->add_duplicates("x", duplicates);
            REQUIRE(duplicates.size() == 1);
            CHECK(duplicates[0].is_file_ours == is_file_ours);
            CHECK(os::own_address(duplicates[0].socket.get()).path() == path);
        }
        CHECK(std::filesystem::exists(path) != is_file_ours);
    }
    const std::string kept = folder.file("kept");
    {
        const auto listener = Listener::create(on_path(kept), *front, rig.driver, rig.log);
        REQUIRE(listener.ok());
        listener.value()->keep_files();
    }
    CHECK(std::filesystem::exists(kept));
}

TEST_CASE("a given Unix socket whose file is gone is replaced, so that clients find it again") {
    Rig rig;
    const Folder folder;
    const auto front = make_plain_front(0, rig.driver, rig.log);
    const std::string path = folder.file("socket");
    os::GivenSockets sockets;
    sockets.add(given_socket(*os::SocketAddress::of_path(path)));
    std::filesystem::remove(path);
    const auto listener = Listener::create(on_path(path), *front, rig.driver, rig.log, {}, {&sockets, "x"});
    REQUIRE(listener.ok());
    CHECK(std::filesystem::exists(path));
    CHECK(sockets.left().empty());
}

TEST_CASE("a listener that ends is not reported any more, although a duplicate of its socket lives") {
    Rig rig;
    const auto front = make_plain_front(0, rig.driver, rig.log);
    std::vector<os::GivenSocket> duplicates;
    std::uint16_t port = 0;
    {
        const auto listener = Listener::create(on_host("127.0.0.1"), *front, rig.driver, rig.log);
        REQUIRE(listener.ok());
        REQUIRE(!listener.value()->start());
        listener.value()->add_duplicates("x", duplicates);
        port = os::own_address(duplicates.at(0).socket.get()).port();
    }
    const Client client = Client::to_port(port);  // waits in the kernel
    CHECK(rig.turn() == 0);
    CHECK(rig.core.open.empty());
    os::SocketAddress peer;
    CHECK(os::accept_from(duplicates[0].socket.get(), peer).is_open());
}

}  // namespace
}  // namespace ledge::transport
