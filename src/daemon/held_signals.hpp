// HeldSignals: while an object exists, the signals that a loop handles wait: no loop runs, and their usual effect would
// end the process. The requests to stop can be asked for. On the main thread, which must be the only one that does not
// block these signals.
#pragma once

#include <signal.h>

#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {

class HeldSignals {
public:
    HeldSignals();
    /// The signals that have waited arrive now.
    ~HeldSignals();
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;

    /// Readable when somebody has asked the process to stop (SIGTERM, SIGINT).
    int stop_descriptor() const { return stop_.get(); }

private:
    sigset_t former_{};
    os::Descriptor stop_;
};

}  // namespace ledge::daemon
