// The commands that are clients: `ledgemq pub`, `ledgemq sub` and `ledgemq ctl`. All return the exit status.
// On the main thread.
#pragma once

namespace ledge::cli {
struct CtlOptions;
struct PublishOptions;
struct SubscribeOptions;
}  // namespace ledge::cli

namespace ledge::daemon {

int publish(const cli::PublishOptions& options);
int subscribe(const cli::SubscribeOptions& options);
int ctl(const cli::CtlOptions& options);

}  // namespace ledge::daemon
