#include "ledge/base/base64.hpp"

#include <doctest/doctest.h>

using namespace ledge;

TEST_CASE("Base64 writes the test vectors of RFC 4648, and reads them back") {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
    };
    for (const auto& [bytes, text] : vectors) {
        CHECK(encode_base64(as_bytes(bytes)) == text);
        CHECK(decode_base64(text) == bytes);
    }
}

TEST_CASE("Base64 refuses a text that is not the one text of its bytes") {
    for (const std::string_view text :
         {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm9v Zm9", "Zm9-", "Zm\x80v"})
        CHECK_MESSAGE(!decode_base64(text).has_value(), text);
}
