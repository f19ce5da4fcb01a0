// `ledgemq bridge test NAME`: connects once to each url of a bridge and prints, step by step, what works. It reads the
// configuration only: the local broker and its store are not touched, so it may run beside the broker. On the main
// thread; it waits for the network.
#pragma once

#include "commands.hpp"
#include "ledge/config/command_line.hpp"

namespace ledge::config {
struct Config;
}  // namespace ledge::config

namespace ledge::daemon {

/// Tests all urls in their order. Requires a configuration without complaints. Returns the exit status: exit_ok if at
/// least one url works wholly, exit_failure if none does, exit_bad_configuration for an unknown bridge or a wrong
/// topic. `complain` gets a mistake in the request, or of the environment.
int test_bridge(const config::Command::BridgeTest& request, const config::Config& config, const PrintLine& print,
                const PrintLine& complain);
/// The same with standard output and standard error.
int test_bridge(const config::Command::BridgeTest& request, const config::Config& config);

}  // namespace ledge::daemon
