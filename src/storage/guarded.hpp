// run_guarded: work on a file that may be damaged, in a child process. LMDB trusts its pages: a wrong page can abort
// the process or make it read beyond the end of the file, and no code inside the process can prevent this. The child
// sends its results through a pipe, so the parent keeps the results that were sent before the child ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::storage {

/// The child's end of the pipe to the parent.
class GuardedOut {
public:
    explicit GuardedOut(int descriptor) : descriptor_(descriptor) {}
    /// Buffers the bytes for the parent. When the parent is gone, the child process ends here: nobody needs its
    /// results.
    void send(Bytes bytes);
    void flush();

private:
    static constexpr std::size_t buffer_size = 64 * 1024;  // bytes
    int descriptor_;
    std::vector<Byte> buffer_;
};

enum class GuardedEnd : std::uint8_t {
    fine,     // the work returned true
    refused,  // the work returned false
    killed,   // a signal, an assertion or a foreign exit ended the child
    silent,   // the child sent nothing for the allowed time and was killed, or it could not be started
};

/// Runs `work` in a forked child, and calls `on_bytes` in this process for the bytes that the child sends. A child that
/// sends nothing for `silence_max_ms` is killed. The child closes the parent's descriptors first, so it does not hold
/// the parent's files and locks.
GuardedEnd run_guarded(const std::function<bool(GuardedOut&)>& work, const std::function<void(Bytes)>& on_bytes,
                       int silence_max_ms);

}  // namespace ledge::storage
