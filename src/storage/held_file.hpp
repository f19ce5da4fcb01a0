// HeldFile: a second descriptor of the store's file, besides LMDB's own. The committer's thread uses it for two
// questions: does the file still have its name, and has a write-back failed? Linux reports a failed write-back once to
// each open descriptor, so sync() here still sees a failure that LMDB has already consumed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::storage {

class HeldFile {
public:
    /// Does not follow a symbolic link. The error is errno.
    static Result<HeldFile, int> open(const std::string& path);

    /// Returns "" while `path` names this file and the file has not become shorter. Otherwise returns what has
    /// happened, as the end of a sentence whose subject is the path.
    std::string_view displacement(const std::string& path);

    /// Returns 0, or the errno that says why earlier writes may not be on stable storage.
    int sync() const;

private:
    explicit HeldFile(os::Descriptor file) : file_(std::move(file)) {}

    os::Descriptor file_;
    std::int64_t size_seen_ = 0;  // the largest size so far, in bytes
};

}  // namespace ledge::storage
