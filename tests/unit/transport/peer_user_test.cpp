#include "peer_user.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

using namespace ledge::transport;

TEST_CASE("the user of a Unix socket's peer is told, of another socket's not") {
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    CHECK(user_of_peer(pair[0]) == user_name(::getuid()));
    ::close(pair[0]);
    ::close(pair[1]);
    const int tcp = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK(user_of_peer(tcp).empty());
    ::close(tcp);
}

TEST_CASE("a name is that of the file, or the number") {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("ledgemq-passwd-" + std::to_string(::getpid()))).string();
    std::ofstream(path) << "root:x:0:0::/:/bin/sh\nbroken line\nb\x1b:x:7:7::/:/\ngateway:x:1001:1001::/:/bin/sh\n"
                        << "again:x:1001:1001::/:/bin/sh\n";
    CHECK(user_name(0, path.c_str()) == "root");
    CHECK(user_name(1001, path.c_str()) == "gateway");
    CHECK(user_name(7, path.c_str()) == "uid:7");
    CHECK(user_name(1002, path.c_str()) == "uid:1002");
    CHECK(user_name(0, "/nonexistent") == "uid:0");
    std::filesystem::remove(path);
}
