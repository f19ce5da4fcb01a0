#include "machine_name.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "process.hpp"

namespace ledge::daemon {
namespace {

/// The name of the host "gw" whose file of the machine id has this text.
MachineName name_with(std::string_view text) {
    const std::string path = "/tmp/ledge-machine-id-" + std::to_string(random_seed());
    std::ofstream(path) << text;
    MachineName name = machine_name("gw", path);
    std::filesystem::remove(path);
    return name;
}

TEST_CASE("a machine with an id has digits of the keyed hash of this id in its name") {
    // printf 'ledgemq bridge' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    const MachineName name = name_with("0123456789abcdef0123456789abcdef\n");
    CHECK(name.text == "gw-652b68da");
    CHECK(name.has_machine_id);
    CHECK(name_with("0123456789abcdef0123456789abcdef").text == name.text);
    CHECK(name_with("0123456789abcdef0123456789abcdee\n").text !=
          name.text);  // a copy of the disk with an id of its own
}

TEST_CASE("without a machine id, the name of the host is all") {
    for (const std::string_view text : {"", "\n", "uninitialized\n", "0123456789abcdef0123456789abcde\n",
                                        "0123456789abcdef0123456789abcdefa\n", "0123456789abcdef0123456789abcdeg\n"}) {
        CAPTURE(text);
        CHECK(name_with(text).text == "gw");
        CHECK_FALSE(name_with(text).has_machine_id);
    }
    CHECK(machine_name("gw", "/nonexistent/machine-id").text == "gw");
    CHECK(machine_name().text.starts_with(host_name()));
}

}  // namespace
}  // namespace ledge::daemon
