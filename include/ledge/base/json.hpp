// JsonWriter: writes one JSON object (RFC 8259), member by member. Commas, quotes and escapes come by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/bytes.hpp"

namespace ledge {

class JsonWriter {
public:
    /// Begins the object.
    JsonWriter() = default;
    /// The same, with room for `bytes` reserved: a text that holds a secret is not copied while it grows.
    explicit JsonWriter(std::size_t bytes) { out_.reserve(bytes); }

    // ---- Members of the object that was begun last

    /// `value` is UTF-8.
    void text(std::string_view key, std::string_view value);
    void number(std::string_view key, std::int64_t value);
    void number(std::string_view key, std::uint64_t value);
    void boolean(std::string_view key, bool value);
    void null(std::string_view key);
    /// As text when the bytes are UTF-8, else in hexadecimal digits with the key `key`_hex.
    void bytes(std::string_view key, Bytes value);
    void hex(std::string_view key, Bytes value);

    // ---- A list as a member

    void begin_list(std::string_view key);
    void end_list() { close(']'); }
    /// A text of the list.
    void element(std::string_view value);
    /// Begins an object of the list, on a line of its own.
    void begin_object();
    void end_object() { close('}'); }

    /// Ends the object and returns it, with a line feed after it where `ends_line`. Requires that every list and object
    /// in it has ended. Ends the use of this writer.
    std::string finish(bool ends_line = true);

private:
    void begin_value();
    void begin(std::string_view key);
    void close(char bracket);

    std::string out_ = "{";
    bool is_first_ = true;  // in the object or list that was begun last
    unsigned depth_ = 1;    // objects and lists that have not ended
};

}  // namespace ledge
