#include "upgrade.hpp"

#include <algorithm>

namespace ledge::storage {

// Version 1 is the first: no steps yet. A step may read and write every table; Tables::open has made the new ones.
std::span<const Upgrade> upgrades() { return {}; }

int upgrade(Txn& txn, const Tables& tables, Meta& meta, std::span<const Upgrade> steps, std::uint32_t to) {
    if (meta.version == to) return lmdb_ok;
    while (meta.version < to) {
        const auto step = std::ranges::find(steps, meta.version, &Upgrade::from);
        if (step == steps.end()) return lmdb_not_found;
        if (const int code = step->run(txn, tables)) return code;
        ++meta.version;
    }
    return write_meta(txn, meta);
}

}  // namespace ledge::storage
