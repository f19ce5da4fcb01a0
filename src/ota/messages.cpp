#include "messages.hpp"

#include "ledge/base/json.hpp"

namespace ledge::ota {

namespace {

void append_u32(std::vector<Byte>& out, std::uint32_t value) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<Byte>(value >> shift));
}

std::uint32_t u32_at(Bytes bytes, std::size_t at) {
    return std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U | std::uint32_t{bytes[at + 2]} << 8U |
           bytes[at + 3];
}

}  // namespace

Request parse_request(Bytes payload) {
    if (payload.size() != request_bytes) return {};
    const auto bytes = static_cast<std::uint16_t>(payload[8] << 8U | payload[9]);
    if (bytes == 0) return {};
    return {u32_at(payload, 0), u32_at(payload, 4), bytes};
}

std::vector<Byte> begin_answer(const Request& request, Status status) {
    std::vector<Byte> answer;
    append_u32(answer, request.image);
    append_u32(answer, request.offset);
    answer.push_back(static_cast<Byte>(status));
    return answer;
}

std::uint32_t image_id_of(const auth::Digest256& digest) { return u32_at(digest, 0); }

std::vector<Byte> manifest_bytes(std::uint32_t size, const auth::Digest256& digest, std::string_view version) {
    std::vector<Byte> manifest;
    append_u32(manifest, size);
    manifest.insert(manifest.end(), digest.begin(), digest.end());
    const Bytes text = as_bytes(version);
    manifest.insert(manifest.end(), text.begin(), text.end());
    return manifest;
}

std::string manifest_text(std::uint32_t size, const auth::Digest256& digest, std::string_view version) {
    JsonWriter json;
    json.text("version", version);
    json.number("size", std::uint64_t{size});
    json.hex("sha256", digest);
    json.hex("id", Bytes(digest).first(4));
    return json.finish(false);
}

}  // namespace ledge::ota
