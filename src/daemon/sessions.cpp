// `ledgemq sessions`, for a stopped broker: reads and writes its store. A running broker is asked with `ledgemq ctl`.
#include "sessions.hpp"

#include <cstdio>

#include "commands.hpp"
#include "ledge/storage/tools.hpp"

namespace ledge::daemon {

int use_sessions(const config::Command::Sessions& request) {
    const auto print_line = [](std::string_view line) { std::fwrite(line.data(), 1, line.size(), stdout); };
    // The lock of the store makes this fail while a broker uses it.
    const auto done = request.is_removal ? storage::remove_session(request.store, request.client_id)
                                         : storage::list_sessions(request.store, print_line);
    return done ? config::exit_ok : fail(text_of(done.error()));
}

}  // namespace ledge::daemon
