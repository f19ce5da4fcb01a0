// Guarded: work on a file that may be damaged, in a child process. LMDB believes its pages: a wrong one can abort the
// process or send it beyond the end of the file, and nobody can catch that inside. What the child has found out until
// then comes back through a pipe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::storage {

/// The child's way to the parent.
class GuardedOut {
public:
    explicit GuardedOut(int descriptor) : descriptor_(descriptor) {}
    /// Sends everything, or ends the process: without a parent there is nothing to do.
    void send(Bytes bytes);
    void flush();

private:
    static constexpr std::size_t buffer_size = 64 * 1024;  // bytes
    int descriptor_;
    std::vector<Byte> buffer_;
};

enum class GuardedEnd : std::uint8_t {
    fine,     // the work returned true
    refused,  // it returned false
    killed,   // a signal, an assertion, an exit that was not ours
    silent,   // nothing was heard for the time allowed; the child was ended
};

/// Runs `work` in a forked child and hands what it sends to `on_bytes` here. A child that sends nothing for
/// `silence_max_ms` is ended. The child has none of the parent's descriptors, so files and locks stay the parent's.
GuardedEnd run_guarded(const std::function<bool(GuardedOut&)>& work, const std::function<void(Bytes)>& on_bytes,
                       int silence_max_ms);

}  // namespace ledge::storage
