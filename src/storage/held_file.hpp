// HeldFile: a descriptor of the store's file beside LMDB's own. It knows whether the file still has its name, and it is
// told of failed write-backs that LMDB's descriptor has been told of already.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"

namespace ledge::storage {

class HeldFile {
public:
    /// Follows no symbolic link. The error is errno.
    static Result<HeldFile, int> open(const std::string& path);
    HeldFile(HeldFile&& other) noexcept;
    HeldFile& operator=(HeldFile&&) = delete;
    ~HeldFile();

    /// "" while `path` names this file and the file has lost nothing; otherwise what has happened, as the end of a
    /// sentence whose subject is the path.
    std::string_view displacement(const std::string& path);

    /// 0, or why what was written before may not be on stable storage.
    int sync() const;

private:
    explicit HeldFile(int descriptor) : descriptor_(descriptor) {}

    int descriptor_ = -1;
    std::int64_t size_seen_ = 0;  // bytes
};

}  // namespace ledge::storage
