// proxy_fuzz: input := what a peer sends first. The header has an end that does not depend on what follows it, and each
// beginning of it is unfinished.
#include "input.hpp"
#include "proxy_header.hpp"
#include "require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ledge;
    using Status = transport::ProxyHeader::Status;
    fuzz::Input input(data, size);
    const std::vector<Byte> bytes = input.bytes(transport::ProxyHeader::bytes_max + 100);
    const transport::ProxyHeader header = transport::parse_proxy_header(bytes);
    if (header.status == Status::need_more)
        fuzz::require(bytes.size() < transport::ProxyHeader::bytes_max, "a header has an end");
    if (header.status != Status::complete) return 0;
    fuzz::require(header.size <= bytes.size(), "the header is within the bytes");
    for (std::size_t cut = 0; cut < header.size; ++cut) {
        const std::vector<Byte> beginning(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
        fuzz::require(transport::parse_proxy_header(beginning).status == Status::need_more,
                      "a beginning is unfinished");
    }
    const auto alone = transport::parse_proxy_header(Bytes(bytes).first(header.size));
    fuzz::require(alone.status == Status::complete && alone.size == header.size, "it needs nothing that follows");
    if (header.has_source)
        fuzz::require(os::to_text(header.source) == os::to_text(alone.source), "it names the same source");
    return 0;
}
