#include "reload.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/config/devices_file.hpp"

using namespace ledge;
using namespace ledge::daemon;
using Lines = std::vector<std::string>;

namespace {

void collect(void* context, const LogRecord& record) {
    CHECK(mismatch_with_table(record) == "");
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
        reload_.emplace(
            sources_, loaded.config, log_,
            [this](std::shared_ptr<const auth::Policy> policy, std::vector<std::string> files) {
                policy_ = std::move(policy);
                files_ = std::move(files);
            },
            [this](const broker::Listeners& listeners) { listeners_ = listeners; },
            [this](const config::Config& wanted, std::size_t index) -> Result<bool, Error> {
                const std::string& name = wanted.shard.listeners[index].name;
                if (name == refused_listener) return Failure{Error{{}, "its key is not there"}};
                added_.push_back(name + " " + wanted.sockets[index].endpoint.path);
                return true;
            },
            [this](std::string_view name, const config::BridgeSettings* bridge) -> Result<bool, Error> {
                if (name == refused_bridge) return Failure{Error{{}, "no threads are left"}};
                bridges_.push_back(std::string(name) + " " + (bridge == nullptr ? "-" : bridge->urls.front()));
                return true;
            },
            [this](const std::string& listener, const config::Devices& devices) {
                devices_[listener] = devices.table.size();
            });
    }
    ~World() { std::filesystem::remove(path_); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// What SIGHUP logs when the file says this.
    Lines reload(const std::string& toml) {
        write(toml);
        lines_.clear();
        carry_out(*reload_->read_all());
        return lines_;
    }
    /// What a changed file with users or rights logs.
    Lines read_policy() {
        lines_.clear();
        carry_out(*reload_->read_policy());
        return lines_;
    }

    const Log& log() const { return log_; }
    /// What was taken over last.
    const auth::Policy& policy() const { return *policy_; }
    const Lines& files() const { return files_; }
    int refused() const { return refused_; }
    const std::map<std::string, std::size_t>& devices() const { return devices_; }
    const broker::Listeners& listeners() const { return listeners_; }
    /// Listeners that are served since the start, with their paths.
    const Lines& added() const { return added_; }
    /// Bridges that were changed since the start, with their first url; "-" = removed.
    Lines take_bridges() { return std::exchange(bridges_, {}); }
    const std::string& path() const { return path_; }

    std::string refused_listener;
    std::string refused_bridge;

private:
    void carry_out(runtime::ReloadTask& task) {
        task.read();
        CHECK(lines_.empty());  // a worker's thread must not log
        refused_ += task.put_in_force() == runtime::Reloaded::refused ? 1 : 0;
    }
    void write(const std::string& toml) { std::ofstream(path_, std::ios::trunc) << toml; }

    std::string path_;
    Lines lines_;
    Log log_{LogLevel::info, collect, &lines_};
    config::Sources sources_;
    std::shared_ptr<const auth::Policy> policy_;
    Lines files_;
    broker::Listeners listeners_;
    Lines added_;
    Lines bridges_;
    int refused_ = 0;
    std::map<std::string, std::size_t> devices_;  // listener -> client ids and patterns
    std::optional<Reload> reload_;
};

}  // namespace

TEST_CASE("a reload of the same configuration says so") {
    World world("[limits]\ninflight_max = 5\n");
    CHECK(world.reload("[limits]\ninflight_max = 5 # the same\n") == Lines{"info configuration_unchanged"});
}

TEST_CASE("a reload changes the level of the log at once") {
    World world("");
    CHECK(world.reload("[log]\nlevel = 'debug'\n") == Lines{"warning log_level_changed", "info configuration_applied"});
    CHECK(world.log().enabled(LogLevel::debug));
    CHECK(world.reload("[log]\nlevel = 'error'\n") == Lines{});
    CHECK_FALSE(world.log().enabled(LogLevel::warning));
}

TEST_CASE("a reload names the keys that want a restart, every time") {
    World world("");
    const Lines expected = {"warning configuration_needs_restart keys=limits.receive_maximum"};
    CHECK(world.reload("[limits]\nreceive_maximum = 5\n") == expected);
    CHECK(world.reload("[limits]\nreceive_maximum = 5\n") == expected);
    CHECK(world.reload("") == Lines{"info configuration_unchanged"});
}

TEST_CASE("a listener that is new is served at once, one that is gone or another one is told by its name") {
    const std::string a = "[listeners.a]\nurl = 'unix:/a'\n";
    const std::string b = "[listeners.b]\nurl = 'unix:/b'\nlimits.inflight_max = 7\n";
    const std::string c = "[listeners.c]\nurl = 'unix:/c'\n";
    World world(b);
    CHECK(world.reload(a + b + c) == Lines{"info configuration_applied"});
    CHECK(world.added() == Lines{"a /a", "c /c"});
    CHECK(world.reload(a + b + c) == Lines{"info configuration_unchanged"});
    CHECK(world.added().size() == 2);
    CHECK(world.reload(b + "[listeners.c]\nurl = 'unix:/other'\n[log]\nformat = 'json'\n") ==
          Lines{"warning configuration_needs_restart keys=\"listeners.a listeners.c.url log.format\""});
    CHECK(world.reload(a + b + c + "limits.queue_messages_max = 9\n") ==
          Lines{"info limits_changed keys=listeners.c.limits.queue_messages_max", "info configuration_applied"});
    REQUIRE(world.listeners().size() == 3);
    CHECK(world.listeners()[2].limits.queue_messages_max == 9);
}

TEST_CASE("a new listener that cannot be served is told with the reason, and tried at the next reload") {
    World world("[listeners.b]\nurl = 'unix:/b'\n");
    world.refused_listener = "a";
    const std::string both = "[listeners.a]\nurl = 'unix:/a'\n[listeners.b]\nurl = 'unix:/b'\n";
    CHECK(world.reload(both) == Lines{"error listener_not_added listener=a reason=\"its key is not there\" "
                                      "outcome=\"the others are served as before\"",
                                      "warning configuration_needs_restart keys=listeners.a"});
    world.refused_listener = "";
    CHECK(world.reload(both) == Lines{"info configuration_applied"});
    CHECK(world.added() == Lines{"a /a"});
}

TEST_CASE("a reload changes the limits of connected clients at once, but for what CONNACK has told them") {
    World world("[listeners.a]\nurl = 'unix:/a'\n[listeners.b]\nurl = 'unix:/b'\nconnections_max = 3\n");
    const Lines lines = world.reload(
        "[limits]\nsubscriptions_max = 7\nreceive_maximum = 8\n[listeners.a]\nurl = 'unix:/a'\n"
        "[listeners.b]\nurl = 'unix:/b'\nconnections_max = 4\nlimits.queue_messages_max = 9\n");
    CHECK(lines == Lines{"info limits_changed keys=\"limits.subscriptions_max listeners.b.connections_max "
                         "listeners.b.limits.queue_messages_max\"",
                         "warning configuration_needs_restart keys=limits.receive_maximum"});
    REQUIRE(world.listeners().size() == 2);
    CHECK(world.listeners()[0].limits.subscriptions_max == 7);
    CHECK(world.listeners()[0].limits.receive_maximum == session::SessionLimits{}.receive_maximum);
    CHECK(world.listeners()[1].limits.queue_messages_max == 9);
    CHECK(world.listeners()[1].connections_max == 4);
}

TEST_CASE("a reload decides anew whether a listener lets in anonymous clients") {
    const std::string a = "[listeners.a]\nurl = 'unix:/a'\n";
    World world(a + "allow_anonymous = true\n");
    CHECK(world.reload(a + "allow_anonymous = false\n") ==
          Lines{"info limits_changed keys=listeners.a.allow_anonymous", "info configuration_applied"});
    REQUIRE(world.listeners().size() == 1);
    CHECK_FALSE(world.listeners()[0].allow_anonymous);
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
    CHECK(taken[1] == "info configuration_applied");
    REQUIRE(world.policy().acl);
    std::ofstream(acl) << "topic a\ntopics b\n";
    const Lines refused = world.reload(toml);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].starts_with("error configuration_refused reason=\"" + acl + ":2: the line begins with neither"));
    CHECK(world.policy().acl->size() == 1);
    CHECK(world.files() == Lines{acl});
    CHECK(world.refused() == 1);
    std::filesystem::remove(acl);
    CHECK(world.reload("").front() == "info policy_loaded users=0 token_keys=0 rules=0");
    CHECK_FALSE(world.policy().acl);
}

TEST_CASE("a changed devices file is watched and read like those of users, and a mistake in it changes nothing") {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("ledgemq-devices-" + std::to_string(::getpid()))).string();
    std::ofstream(path) << "[[devices]]\nclient_id = 'a'\n";
    World world("[listeners.field]\nurl = 'udp://127.0.0.1:1884'\n[listeners.field.mqttsn]\ndevices_file = '" + path +
                "'\n");
    std::ofstream(path) << "[[devices]]\nclient_id = 'a'\n[[devices]]\nclient_id = 'b*'\n";
    CHECK(world.read_policy() == Lines{"info policy_loaded users=0 token_keys=0 rules=0",
                                       "info mqttsn_devices_loaded listener=field devices=2"});
    CHECK(world.devices() == std::map<std::string, std::size_t>{{"field", 2}});
    CHECK(world.files() == Lines{path});
    std::ofstream(path) << "[[devices]]\nclient = 'a'\n";
    CHECK(world.read_policy().front().starts_with("error policy_refused reason=\"" + path + ":2: key "));
    CHECK(world.devices() == std::map<std::string, std::size_t>{{"field", 2}});
    CHECK(world.refused() == 1);
    std::filesystem::remove(path);
    CHECK(world.read_policy().front().starts_with("error policy_refused"));
}

TEST_CASE("a changed file is read without the configuration; missing or wrong it changes nothing, empty it denies") {
    const std::string acl =
        (std::filesystem::temp_directory_path() / ("ledgemq-rules-" + std::to_string(::getpid()))).string();
    std::ofstream(acl) << "topic a\n";
    World world("[auth]\nacl_file = '" + acl + "'\n");
    std::ofstream(world.path()) << "no configuration";
    std::ofstream(acl) << "topic a\ntopic b\n";
    CHECK(world.read_policy() == Lines{"info policy_loaded users=0 token_keys=0 rules=2"});
    CHECK(world.files() == Lines{acl});
    std::ofstream(acl) << "topics b\n";
    CHECK(world.read_policy().front().starts_with("error policy_refused reason=\"" + acl + ":1: the line begins"));
    std::filesystem::remove(acl);
    CHECK(world.read_policy().front().find("cannot be opened") != std::string::npos);
    CHECK(world.refused() == 2);
    CHECK(world.policy().acl->size() == 2);
    std::ofstream(acl) << "";
    const Lines emptied = world.read_policy();
    REQUIRE(emptied.size() == 2);
    CHECK(emptied[1].find("has no rules: nobody may publish or receive anything") != std::string::npos);
    REQUIRE(world.policy().acl);
    CHECK(world.policy().acl->size() == 0);
    std::filesystem::remove(acl);
}

namespace {

/// The configuration of a bridge.
std::string a_bridge(const std::string& name, const std::string& url, const std::string& more = "") {
    return "[bridges." + name + "]\nclient_id = '" + name + "'\nurls = ['" + url + "']\n" + more + "[[bridges." + name +
           ".routes]]\ndirection = 'out'\nfilter = '" + name + "/#'\n";
}

}  // namespace

TEST_CASE("a reload adds, changes and removes bridges, and leaves the others alone") {
    const std::string kept = a_bridge("kept", "mqtt://kept");
    World world(kept + a_bridge("old", "mqtt://old"));
    CHECK(world.reload(kept + a_bridge("old", "mqtt://old") + "# the same\n") == Lines{"info configuration_unchanged"});
    CHECK(world.take_bridges().empty());

    CHECK(world.reload(kept + a_bridge("old", "mqtt://new", "keep_alive_s = 7\n")) ==
          Lines{"info bridge_changed bridge=old keys=\"keep_alive_s urls\"", "info configuration_applied"});
    CHECK(world.take_bridges() == Lines{"old mqtt://new"});
    CHECK(world.reload(kept + a_bridge("old", "mqtt://new", "keep_alive_s = 7\n")) ==
          Lines{"info configuration_unchanged"});

    CHECK(world.reload(a_bridge("another", "mqtt://another") + kept) ==
          Lines{"info bridge_added bridge=another", "info bridge_removed bridge=old", "info configuration_applied"});
    CHECK(world.take_bridges() == Lines{"another mqtt://another", "old -"});
    CHECK(world.reload(kept + a_bridge("another", "mqtt://another")) == Lines{"info configuration_unchanged"});
}

TEST_CASE("a configuration with a mistake changes no bridge") {
    World world(a_bridge("a", "mqtt://a"));
    // The second bridge has the client id of the first one, at the same broker.
    const std::string same = a_bridge("b", "mqtt://a");
    const Lines lines =
        world.reload(a_bridge("a", "mqtt://other") + a_bridge("b", "mqtt://other", "keep_alive_s = 1\n"));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("error configuration_refused "));
    CHECK(world.take_bridges().empty());
    CHECK(world.refused() == 1);
    std::string doubled = same;
    doubled.replace(doubled.find("client_id = 'b'"), 15, "client_id = 'a'");
    CHECK(world.reload(a_bridge("a", "mqtt://a") + doubled).at(0).starts_with("error configuration_refused "));
    CHECK(world.take_bridges().empty());
}

TEST_CASE("a bridge that cannot be changed is told, and its keys need a restart") {
    World world(a_bridge("a", "mqtt://a"));
    world.refused_bridge = "a";
    CHECK(world.reload(a_bridge("a", "mqtt://b")) ==
          Lines{"error bridge_not_changed bridge=a reason=\"no threads are left\"",
                "warning configuration_needs_restart keys=bridges.a.urls"});
    world.refused_bridge.clear();
    CHECK(world.reload(a_bridge("a", "mqtt://b")) ==
          Lines{"info bridge_changed bridge=a keys=urls", "info configuration_applied"});
}
