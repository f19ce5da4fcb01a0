// Reads and writes a property block. Private to wire. Stateless.
//   properties := length:variable property*
//   property   := id:u8 value                   the table in properties.cpp says the type of the value
#pragma once

#include "ledge/wire/properties.hpp"
#include "ledge/wire/types.hpp"
#include "ledge/wire/writer.hpp"
#include "reader.hpp"

namespace ledge::wire {

/// Reads and validates `length` bytes of properties in one pass. `place` is the number of the packet type, or in_will.
Properties read_property_block(Reader& in, std::uint32_t length, unsigned place);

inline Properties read_properties(Reader& in, unsigned place) {
    const std::uint32_t length = in.variable();
    if (length == 0) [[likely]]  // also after a failure of the reader
        return {};
    return read_property_block(in, length, place);
}
inline Properties read_properties(Reader& in, PacketType type) {
    return read_properties(in, static_cast<unsigned>(type));
}

/// Returns the size of the block with its length prefix.
inline std::size_t block_size(const Properties& properties) {
    const std::size_t size = properties.raw().size();
    return (size > variable_integer_max ? 4 : variable_size(static_cast<std::uint32_t>(size))) + size;
}
inline void write_properties(const Properties& properties, Writer& out) {
    LEDGE_ASSERT(properties.raw().size() <= variable_integer_max);
    out.variable(static_cast<std::uint32_t>(properties.raw().size()));
    out.raw(properties.raw());
}

}  // namespace ledge::wire
