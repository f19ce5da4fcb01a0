// LevelTable stores each distinct text of a level once, with a number and a count of its uses. A level's number then
// stands for the text: comparing two numbers compares two texts. Each tree owns one table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledge/base/text_hash.hpp"
#include "ledge/topic/detail/id_table.hpp"
#include "ledge/topic/detail/pool.hpp"
#include "ledge/topic/detail/text.hpp"

namespace ledge::topic::detail {

using LevelId = std::uint32_t;

class LevelTable {
public:
    /// `hash` must outlive the table.
    explicit LevelTable(const TextHash& hash) : hash_(hash) {}
    ~LevelTable();
    LevelTable(const LevelTable&) = delete;
    LevelTable& operator=(const LevelTable&) = delete;

    /// Returns the number of a level that is in use, or none.
    LevelId find(std::string_view text) const { return find(text, hash_(text)); }

    /// Counts one more use of the level, and returns its number. The first use adds the level.
    LevelId acquire(std::string_view text);

    /// Counts one use less. The last use removes the level.
    void release(LevelId id);

    /// Returns the text of a level that is in use. The view is valid until the table changes.
    std::string_view text(LevelId id) const { return levels_[id].view(); }

    std::size_t size() const { return levels_.size(); }
    std::size_t bytes() const { return levels_.bytes() + ids_.bytes() + long_bytes_; }

private:
    /// A level has 20 bytes. A text of more than 14 bytes is in a heap block; `bytes` then holds the block's address.
    struct Level {
        static constexpr std::size_t inline_max = 14;

        std::uint32_t users;  // number of uses; in a free entry, the link of the free list
        std::uint16_t size;
        char bytes[inline_max];

        bool is_inline() const { return size <= inline_max; }
        Text* block() const;
        std::string_view view() const { return is_inline() ? std::string_view(bytes, size) : block()->view(); }

        std::uint32_t next_free() const { return users; }
        void set_next_free(std::uint32_t link) { users = link; }
    };

    static Level make_level(std::string_view text);
    LevelId find(std::string_view text, std::uint32_t hash) const {
        return ids_.find(hash, [&](LevelId id) { return levels_[id].view() == text; });
    }

    const TextHash& hash_;
    Pool<Level> levels_;
    IdTable ids_;
    std::size_t long_bytes_ = 0;  // bytes of all heap blocks with long texts
};

}  // namespace ledge::topic::detail
