// Text: an immutable string in one heap block, so that its owner needs only a pointer. The block holds the size (16
// bits) and the bytes. Topics and filters have at most 65,535 bytes, because their length field in MQTT has 16 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ledge::topic::detail {

class Text {
public:
    /// Makes a copy of `text` on the heap. The caller must end the copy with destroy().
    static Text* create(std::string_view text);
    static void destroy(Text* text);

    std::string_view view() const { return {reinterpret_cast<const char*>(this) + sizeof(Text), size_}; }
    std::size_t block_bytes() const { return sizeof(Text) + size_; }

private:
    explicit Text(std::uint16_t size) : size_(size) {}
    std::uint16_t size_;
};

}  // namespace ledge::topic::detail
