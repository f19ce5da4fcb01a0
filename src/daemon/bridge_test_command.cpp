#include "bridge_test_command.hpp"

#include <algorithm>
#include <cstdio>

#include "bridge_trial.hpp"
#include "bridges.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/config/bridge_settings.hpp"
#include "ledge/config/config.hpp"
#include "ledge/topic/name.hpp"
#include "machine_name.hpp"

namespace ledge::daemon {
namespace {

/// The end of the test's client id. The bridge's own id would end the connection of a running bridge [MQTT-3.1.4-3].
constexpr std::string_view id_ending = "-test";

/// The options of the bridge, without all that would leave a trace at the upstream: a session, a will, a state.
uplink::UplinkOptions trial_options(const config::BridgeSettings& settings) {
    constexpr std::uint16_t no_listener = 0;  // a trial has no connection to the local broker
    uplink::UplinkOptions options = uplink_options(settings, no_listener, machine_name().text);
    options.relay.client_id += id_ending;
    options.relay.session_expiry_s = 0;
    options.relay.will.reset();
    options.relay.online_message.reset();
    return options;
}

std::string unknown_bridge(const std::string& name, const std::vector<config::BridgeSettings>& bridges) {
    std::string text = "the configuration has no bridge " + quoted(name);
    if (bridges.empty()) return text + ", and no other bridge either; is the file given with -c FILE?";
    text += "; its bridges are: ";
    for (const config::BridgeSettings& one : bridges) text += (&one == &bridges.front() ? "" : ", ") + one.name;
    return text;
}

}  // namespace

int test_bridge(const config::Command::BridgeTest& request, const config::Config& config, const PrintLine& print,
                const PrintLine& complain) {
    const auto settings = std::find_if(config.bridges.begin(), config.bridges.end(),
                                       [&](const config::BridgeSettings& one) { return one.name == request.name; });
    if (settings == config.bridges.end()) {
        complain(unknown_bridge(request.name, config.bridges));
        return config::exit_bad_configuration;
    }
    if (!request.topic.empty() && !topic::is_valid_topic(request.topic, topic::levels_hard_max)) {
        complain("--topic " + quoted(request.topic) + " is not the name of a topic");
        return config::exit_bad_configuration;
    }
    const auto loop = cli::ClientLoop::create(settings->uses_tls());
    if (!loop) {
        complain(loop.error());
        return config::exit_failure;
    }
    const uplink::UplinkOptions options = trial_options(*settings);
    print("bridge " + settings->name + ": the test connects as " + quoted(options.relay.client_id));
    std::size_t working = 0;
    for (const uplink::Server& server : options.servers) {
        print(uplink::to_text(server));
        if (BridgeTrial(**loop, options, server, print).run(request.topic)) ++working;
    }
    print(std::to_string(working) + " of " + std::to_string(options.servers.size()) + " urls work");
    return working > 0 ? config::exit_ok : config::exit_failure;
}

int test_bridge(const config::Command::BridgeTest& request, const config::Config& config) {
    const auto print = [](std::string_view line) {
        std::fwrite(line.data(), 1, line.size(), stdout);
        std::fputc('\n', stdout);
        // The next step may take half a minute, and the operator shall see what the test waits for.
        std::fflush(stdout);
    };
    const int status = test_bridge(request, config, print, [](std::string_view text) { fail(text); });
    // A script may read the answer from the exit status, so lines that could not be written count as a failure.
    return status == config::exit_ok && std::ferror(stdout) != 0 ? config::exit_failure : status;
}

}  // namespace ledge::daemon
