#include "reload.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

using namespace ledge;
using namespace ledge::daemon;
using Lines = std::vector<std::string>;

namespace {

void collect(void* context, const LogRecord& record) {
    std::string line;
    format_text(record, line);
    static_cast<Lines*>(context)->push_back(line);
}

/// A broker that was started with a file, which then changes.
class World {
public:
    explicit World(const std::string& toml)
        : path_((std::filesystem::temp_directory_path() / ("ledgemq-reload-" + std::to_string(::getpid()) + ".toml"))
                    .string()) {
        write(toml);
        sources_.file = path_;
        const config::Loaded loaded = config::load(sources_);
        REQUIRE(loaded.ok());
        reload_.emplace(sources_, loaded.config, log_, [this](auth::Policy policy) { policy_ = std::move(policy); });
    }
    ~World() { std::filesystem::remove(path_); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// What SIGHUP logs when the file says this.
    Lines reload(const std::string& toml) {
        write(toml);
        lines_.clear();
        (*reload_)();
        return lines_;
    }

    const Log& log() const { return log_; }
    /// What was taken over last.
    const auth::Policy& policy() const { return policy_; }
    const std::string& path() const { return path_; }

private:
    void write(const std::string& toml) { std::ofstream(path_, std::ios::trunc) << toml; }

    std::string path_;
    Lines lines_;
    Log log_{LogLevel::info, collect, &lines_};
    config::Sources sources_;
    auth::Policy policy_;
    std::optional<Reload> reload_;
};

}  // namespace

TEST_CASE("a reload of the same configuration says so") {
    World world("[limits]\ninflight_max = 5\n");
    CHECK(world.reload("[limits]\ninflight_max = 5 # the same\n") == Lines{"info configuration_unchanged"});
}

TEST_CASE("a reload changes the level of the log at once") {
    World world("");
    CHECK(world.reload("[log]\nlevel = 'debug'\n") ==
          Lines{"warning log_level_changed", "info configuration_unchanged"});
    CHECK(world.log().enabled(LogLevel::debug));
    CHECK(world.reload("[log]\nlevel = 'error'\n") == Lines{});
    CHECK_FALSE(world.log().enabled(LogLevel::warning));
}

TEST_CASE("a reload names the keys that want a restart, every time") {
    World world("");
    const Lines expected = {
        "warning configuration_needs_restart keys=\"limits.inflight_max listeners.local.limits.inflight_max\""};
    CHECK(world.reload("[limits]\ninflight_max = 5\n") == expected);
    CHECK(world.reload("[limits]\ninflight_max = 5\n") == expected);
    CHECK(world.reload("") == Lines{"info configuration_unchanged"});
}

TEST_CASE("a reload of a configuration with mistakes logs all of them and changes nothing") {
    World world("");
    const Lines lines = world.reload("[log]\nlevel = 'debug'\n[limits]\ninflight_mx = 5\nreceive_maximum = 0\n");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find("error configuration_refused reason=\"" + world.path() +
                        ":4: key 'limits.inflight_mx' is unknown") == 0);
    CHECK(lines[1].find(":5: key 'limits.receive_maximum' is out of range") != std::string::npos);
    CHECK_FALSE(world.log().enabled(LogLevel::debug));
}

TEST_CASE("a reload takes over users and rights, and none of either when one has a mistake") {
    const std::string acl =
        (std::filesystem::temp_directory_path() / ("ledgemq-acl-" + std::to_string(::getpid()))).string();
    const std::string toml = "[auth]\nacl_file = '" + acl + "'\n";
    World world("");
    std::ofstream(acl) << "topic a\n";
    const Lines taken = world.reload(toml);
    REQUIRE(taken.size() == 2);
    CHECK(taken[0] == "info policy_loaded users=0 token_keys=0 rules=1");
    CHECK(taken[1] == "info configuration_unchanged");
    REQUIRE(world.policy().acl);
    std::ofstream(acl) << "topic a\ntopics b\n";
    const Lines refused = world.reload(toml);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].starts_with("error configuration_refused reason=\"" + acl + ":2: the line begins with neither"));
    CHECK(world.policy().acl->size() == 1);
    std::filesystem::remove(acl);
    CHECK(world.reload("").front() == "info policy_loaded users=0 token_keys=0 rules=0");
    CHECK_FALSE(world.policy().acl);
}
