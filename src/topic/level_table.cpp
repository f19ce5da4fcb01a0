// Counts the uses of levels; texts of more than 14 bytes are heap blocks.
#include "ledge/topic/detail/level_table.hpp"

#include <cstring>

#include "ledge/base/assert.hpp"

namespace ledge::topic::detail {

Text* LevelTable::Level::block() const {
    Text* text;
    static_assert(sizeof text <= inline_max);
    // memcpy, because `bytes` is not aligned for a pointer.
    std::memcpy(&text, bytes, sizeof text);
    return text;
}

LevelTable::Level LevelTable::make_level(std::string_view text) {
    Level level{};
    level.users = 1;
    LEDGE_ASSERT(text.size() <= 0xffff);  // a topic or filter has at most 65,535 bytes
    level.size = static_cast<std::uint16_t>(text.size());
    if (level.is_inline()) {
        std::memcpy(level.bytes, text.data(), text.size());
    } else {
        const Text* block = Text::create(text);
        std::memcpy(level.bytes, &block, sizeof block);
    }
    return level;
}

LevelId LevelTable::acquire(std::string_view text) {
    const std::uint32_t hash = hash_(text);
    const LevelId known = find(text, hash);
    if (known != none) {
        ++levels_[known].users;
        return known;
    }
    const Level level = make_level(text);
    if (!level.is_inline()) long_bytes_ += level.block()->block_bytes();
    const LevelId id = levels_.take(level);
    ids_.insert(hash, id);
    return id;
}

void LevelTable::release(LevelId id) {
    Level& level = levels_[id];
    LEDGE_ASSERT(level.users > 0);
    if (--level.users > 0) return;
    ids_.erase(hash_(level.view()), id);  // before the text is freed
    if (!level.is_inline()) {
        long_bytes_ -= level.block()->block_bytes();
        Text::destroy(level.block());
    }
    levels_.give_back(id);
}

// The pool and the table own their memory, but long texts are separate heap blocks.
LevelTable::~LevelTable() {
    ids_.for_each([&](LevelId id) {
        if (!levels_[id].is_inline()) Text::destroy(levels_[id].block());
    });
}

}  // namespace ledge::topic::detail
