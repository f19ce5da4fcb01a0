// Secret: bytes of a password or key, which leave no copy in memory behind. Used on any thread, by one at a time.
#pragma once

#include <utility>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/wipe.hpp"

namespace ledge {

/// Secret bytes. The destructor overwrites the bytes, and a moved-from Secret keeps no copy.
class Secret {
public:
    Secret() = default;
    explicit Secret(Bytes bytes) : bytes_(bytes.begin(), bytes.end()) {}
    // Moving a vector moves its memory, so no bytes stay behind in `other`.
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {}
    Secret& operator=(Secret&& other) noexcept {
        // The old bytes are wiped before the new ones come. Without the check, an assignment to itself would wipe both.
        if (this != &other) {
            clear();
            bytes_.swap(other.bytes_);
        }
        return *this;
    }
    Secret(const Secret& other) : Secret(other.bytes()) {}
    Secret& operator=(const Secret& other) { return *this = Secret(other.bytes()); }
    ~Secret() { clear(); }

    Bytes bytes() const { return {bytes_.data(), bytes_.size()}; }
    void clear() {
        wipe(bytes_.data(), bytes_.size());
        bytes_.clear();
    }

private:
    std::vector<Byte> bytes_;
};

}  // namespace ledge
