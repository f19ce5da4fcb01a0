// JsonLine: one JSON object, built field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/bytes.hpp"

namespace ledge::storage {

class JsonLine {
public:
    void number(std::string_view key, std::int64_t value);
    void number(std::string_view key, std::uint64_t value);
    void boolean(std::string_view key, bool value);
    void text(std::string_view key, std::string_view value);
    /// As `key` when it is UTF-8, else in hexadecimal digits as `key`_hex.
    void bytes(std::string_view key, Bytes value);
    void hex(std::string_view key, Bytes value);

    /// The object and a line feed. Ends the use of this one.
    std::string finish();

private:
    void begin(std::string_view key);
    std::string line_ = "{";
};

}  // namespace ledge::storage
