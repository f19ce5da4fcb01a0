#include "client_commands.hpp"

#include <unistd.h>

#include "ledge/cli/ctl.hpp"
#include "ledge/cli/publish.hpp"
#include "ledge/cli/subscribe.hpp"
#include "process.hpp"

namespace ledge::daemon {
namespace {

/// The console of a client. A reader that has gone ends the command in order, with DISCONNECT, and not by SIGPIPE.
cli::Console client_console(const cli::TlsFileOptions& tls, bool shows_password) {
    ignore_signals_of_writes();
    cli::Console console = cli::standard_console();
    if (shows_password)
        console.complain("warning: every user of this machine can read --password; use --password-file FILE");
    if (tls.is_insecure) console.complain("warning: --insecure: the broker may be another one than you think");
    return console;
}

cli::Console console_of(const cli::ConnectionOptions& options) {
    return client_console(options.tls, !options.password.empty());
}

}  // namespace

int publish(const cli::PublishOptions& options) {
    return cli::publish(options, console_of(options.connection), STDIN_FILENO);
}

int subscribe(const cli::SubscribeOptions& options) { return cli::subscribe(options, console_of(options.connection)); }

int ctl(const cli::CtlOptions& options) { return cli::ctl(options, client_console(options.tls, false)); }

}  // namespace ledge::daemon
