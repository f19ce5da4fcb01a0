// framer_fuzz: input := size_limit:u8 piece_size:u8 stream. The same stream in one piece, byte by byte and in pieces
// gives the same frames and the same end.
#include "input.hpp"
#include "ledge/wire/framer.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using wire::Framer;

struct Cut {
    std::vector<std::vector<Byte>> frames;
    Framer::Status end = Framer::Status::need_more;
    std::size_t pending = 0;
    bool operator==(const Cut&) const = default;
};

Cut cut(Bytes stream, std::size_t piece_size, std::uint32_t size_max) {
    Cut result;
    Framer framer;
    std::size_t given = 0;
    while (!stream.empty()) {
        const Bytes piece = stream.first(std::min(piece_size, stream.size()));
        stream = stream.subspan(piece.size());
        given += piece.size();
        const std::vector<Byte> alone(piece.begin(), piece.end());
        Bytes rest(alone);
        while (true) {
            const Framer::Next next = framer.next(rest, size_max);
            result.end = next.status;
            if (next.status != Framer::Status::frame) break;
            fuzz::require(next.frame.size() <= size_max, "no frame above the limit");
            result.frames.emplace_back(next.frame.begin(), next.frame.end());
        }
        if (result.end != Framer::Status::need_more) return result;  // not to be used again
        fuzz::require(rest.empty(), "all input is consumed");
        fuzz::require(framer.pending() <= given, "no more is kept than has come");
    }
    result.pending = framer.pending();
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::uint32_t size_max = input.byte() < 200 ? 1000 : 20;
    const std::size_t piece_size = 1U + input.below(64);
    const std::vector<Byte> stream = input.bytes(1U << 16U);
    const Cut whole = cut(stream, std::max<std::size_t>(stream.size(), 1), size_max);
    fuzz::require(whole == cut(stream, 1, size_max), "byte by byte gives the same");
    fuzz::require(whole == cut(stream, piece_size, size_max), "pieces give the same");
    return 0;
}
