// JsonWriter writes one JSON object (RFC 8259), member by member. The writer adds commas, quotes and escapes itself.
// Whoever produces the object owns the writer; there is no shared state.
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
    /// Begins the object and reserves `bytes` bytes. A text that holds a secret then does not leave copies of itself in
    /// freed memory while it grows.
    explicit JsonWriter(std::size_t bytes) { out_.reserve(bytes); }

    // ---- Members of the innermost open object

    /// `value` must be UTF-8.
    void text(std::string_view key, std::string_view value);
    void number(std::string_view key, std::int64_t value);
    void number(std::string_view key, std::uint64_t value);
    /// Writes at most six decimal places; a number that JSON does not have (infinite, not a number) becomes null.
    void number(std::string_view key, double value);
    void boolean(std::string_view key, bool value);
    void null(std::string_view key);
    /// Writes the bytes as text when they are UTF-8. Otherwise writes hexadecimal digits and appends "_hex" to the key.
    void bytes(std::string_view key, Bytes value);
    void hex(std::string_view key, Bytes value);

    /// Begins an object as a member.
    void begin_object(std::string_view key);

    // ---- A list as a member

    void begin_list(std::string_view key);
    void end_list() { close(']'); }
    /// Adds a text to the open list.
    void element(std::string_view value);
    void element(std::uint64_t value);
    /// Begins a list in the open list.
    void begin_list();
    /// Begins an object in the open list, on a line of its own.
    void begin_object();
    void end_object() { close('}'); }

    /// Ends the outermost object and returns its text, followed by a line feed if `ends_line`. Every list and every
    /// object inside must have ended. The writer must not be used afterwards.
    std::string finish(bool ends_line = true);

private:
    void begin_value();
    void begin(std::string_view key);
    void close(char bracket);

    std::string out_ = "{";
    bool is_first_ = true;  // the innermost open object or list has no member yet
    unsigned depth_ = 1;    // number of open objects and lists; 0 after finish()
};

}  // namespace ledge
