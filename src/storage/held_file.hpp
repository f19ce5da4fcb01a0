// HeldFile: a descriptor of the store's file beside LMDB's own. It tells whether the file still has its name. Linux
// reports a failed write-back once to each open file, so sync() here reports one that LMDB has seen already.
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
    /// Follows no symbolic link. The error is errno.
    static Result<HeldFile, int> open(const std::string& path);

    /// "" while `path` names this file and the file has lost nothing; otherwise what has happened, as the end of a
    /// sentence whose subject is the path.
    std::string_view displacement(const std::string& path);

    /// 0, or why what was written before may not be on stable storage.
    int sync() const;

private:
    explicit HeldFile(os::Descriptor file) : file_(std::move(file)) {}

    os::Descriptor file_;
    std::int64_t size_seen_ = 0;  // bytes
};

}  // namespace ledge::storage
