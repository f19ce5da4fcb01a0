// The table of protocols and their first bytes.
#include "ledge/base/first_bytes.hpp"

namespace ledge {

std::string_view protocol_of(Bytes first_bytes) {
    struct Start {
        std::string_view bytes;
        std::string_view protocol;
    };
    // No start is longer than five bytes, as the header promises.
    constexpr std::string_view http = "an HTTP request";
    constexpr Start starts[] = {
        {"\x16\x03", "a TLS ClientHello"},  // RFC 8446 section 5.1
        {"GET /", http},
        {"POST ", http},
        {"HEAD ", http},
        {"PUT /", http},
        {"OPTIO", http},
        {"CONNE", http},
        {"DELET", http},
        {"PRI *", http},                                        // RFC 9113 section 3.4
        {"PROXY", "a PROXY header"},                            // version 1
        {std::string_view("\r\n\r\n\0", 5), "a PROXY header"},  // version 2
        {std::string_view("\x10", 1), "an MQTT CONNECT"},       // 5.0 section 3.1.1
        {"SSH-", "an SSH greeting"},                            // RFC 4253 section 4.2
    };
    // The starts exclude each other, so their order does not matter.
    for (const Start& start : starts) {
        if (as_text(first_bytes).starts_with(start.bytes)) return start.protocol;
    }
    return {};
}

}  // namespace ledge
