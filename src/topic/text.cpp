// Memory of texts.
#include "ledge/topic/detail/text.hpp"

#include <cstring>
#include <new>

#include "ledge/base/assert.hpp"

namespace ledge::topic::detail {

Text* Text::create(std::string_view text) {
    LEDGE_ASSERT(text.size() <= 0xffff);
    // One allocation for the size and, directly behind it, the bytes.
    Text* created = new (::operator new(sizeof(Text) + text.size())) Text(static_cast<std::uint16_t>(text.size()));
    std::memcpy(reinterpret_cast<char*>(created) + sizeof(Text), text.data(), text.size());
    return created;
}

void Text::destroy(Text* text) { ::operator delete(text); }

}  // namespace ledge::topic::detail
