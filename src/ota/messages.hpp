// The bytes of requests, answers and manifests. Numbers are big endian. firmware-bridge/PROTOCOL.md describes them too.
//
//     request  := image:4*u8 offset:u32 bytes:u16
//     answer   := image:4*u8 offset:u32 status:u8 data        data only with status 0, at least one byte
//     manifest := size:u32 sha256:32*u8 version               version is text and may be empty
//
// `image` is the image id: the first four bytes of the SHA-256 of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::ota {

inline constexpr std::size_t request_bytes = 10;
inline constexpr std::size_t answer_head_bytes = 9;
inline constexpr std::size_t manifest_head_bytes = 36;

enum class Status : std::uint8_t {
    data = 0,           // a block follows
    unknown_image = 1,  // no file with this image id is there, or the file has changed meanwhile
    beyond_end = 2,     // the image ends at or before the offset
    malformed = 3,      // the request has not 10 bytes, or asks for no byte; image id and offset are 0
};

struct Request {
    std::uint32_t image = 0;
    std::uint32_t offset = 0;
    std::uint16_t bytes = 0;  // 0 = the request was malformed
};

/// A malformed request is one with `bytes` == 0.
Request parse_request(Bytes payload);

/// The head of an answer; the data, if any, is appended by the caller.
std::vector<Byte> begin_answer(const Request& request, Status status);

std::uint32_t image_id_of(const auth::Digest256& digest);
std::vector<Byte> manifest_bytes(std::uint32_t size, const auth::Digest256& digest, std::string_view version);
std::string manifest_text(std::uint32_t size, const auth::Digest256& digest, std::string_view version);

}  // namespace ledge::ota
