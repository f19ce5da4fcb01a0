#include "ota.hpp"

#include <doctest/doctest.h>

#include "ledge/base/log.hpp"
#include "ledge/config/config.hpp"
#include "ledge/config/load.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "wiring.hpp"

namespace ledge::daemon {
namespace {

config::Loaded loaded_from(const std::string& text) {
    config::Loaded loaded = config::parse(text, {});
    REQUIRE(loaded.ok());
    return loaded;
}

TEST_CASE("nothing of the image server is made without a directory") {
    const Log log;
    const ota::OtaServer* server = nullptr;
    config::Loaded loaded = loaded_from("");
    runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
    add_ota(options, loaded.config, log, server);
    CHECK(options.parts.empty());
    CHECK(options.shard.listeners.size() == 1);
    CHECK(explain_ota(loaded.config.ota).empty());
    check_ota_directory(loaded);
    CHECK((loaded.ok() && loaded.notes.empty()));
}

TEST_CASE("with a directory there is one part, and a listener that nobody can connect to") {
    const Log log;
    const ota::OtaServer* server = nullptr;
    config::Loaded loaded = loaded_from("[ota]\ndirectory = '/'\ntopic_prefix = 'site/ota'");
    runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
    add_ota(options, loaded.config, log, server);
    CHECK(options.parts.size() == 1);
    CHECK(options.shard.listeners.size() == 2);
    CHECK(options.endpoints.size() == 1);
    CHECK(options.shard.listeners.back().name == "part:ota");
    CHECK(explain_ota(loaded.config.ota).find("publishes to site/ota/get/ID") != std::string::npos);
    check_ota_directory(loaded);
    CHECK((loaded.ok() && loaded.notes.empty()));
}

TEST_CASE("a file in place of the directory is a mistake, a missing directory is a note") {
    config::Loaded file = loaded_from("[ota]\ndirectory = '/etc/passwd'");
    check_ota_directory(file);
    REQUIRE(file.complaints.size() == 1);
    CHECK(file.complaints.front().text.find("key 'ota.directory': /etc/passwd is no directory") == 0);
    config::Loaded missing = loaded_from("[ota]\ndirectory = '/nonexistent'");
    check_ota_directory(missing);
    CHECK(missing.ok());
    REQUIRE(missing.notes.size() == 1);
    CHECK(missing.notes.front().find("ota.directory /nonexistent cannot be read") == 0);
}

}  // namespace
}  // namespace ledge::daemon
