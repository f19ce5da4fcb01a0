// The slow paths of the framer: packets of 130 bytes or more, and packets that arrive in pieces.
#include "ledge/wire/framer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fixed_header.hpp"

namespace ledge::wire {

[[gnu::hot]] Framer::Next Framer::next_of_any_kind(Bytes& input, std::uint32_t max_packet_size) {
    // The caller has finished with the last frame. Its memory is freed now, because the next packet may not come for
    // hours.
    if (is_delivered_) release();
    return size_ == 0 ? next_in_input(input, max_packet_size) : continue_kept(input, max_packet_size);
}

namespace {

/// Checks the fixed header. The result `need_more` means that the header, as far as it has arrived, is correct.
Framer::Status judge(const FixedHeader& header, std::uint32_t max_packet_size) {
    if (header.state == FixedHeader::State::malformed) return Framer::Status::malformed;
    // Judged before any byte of the body is stored: the announced length alone decides, so a peer cannot cause memory
    // use.
    if (header.state == FixedHeader::State::complete && header.total > max_packet_size)
        return Framer::Status::too_large;
    return Framer::Status::need_more;
}

}  // namespace

[[gnu::hot]] Framer::Next Framer::next_in_input(Bytes& input, std::uint32_t max_packet_size) {
    if (input.empty()) return {Status::need_more, 0, {}};
    const FixedHeader header = parse_fixed_header(input);
    if (const Status verdict = judge(header, max_packet_size); verdict != Status::need_more)
        return {verdict, header.total, input};
    if (header.state == FixedHeader::State::complete && header.total <= input.size()) {
        // A view into the caller's buffer, without a copy. The caller must finish with it before it reuses the buffer.
        const Bytes frame = input.first(header.total);
        input = input.subspan(header.total);
        return {Status::frame, 0, frame};
    }
    // The packet is unfinished: store all of the input.
    keep(std::exchange(input, {}), header.total);
    return {Status::need_more, 0, {}};
}

Framer::Next Framer::continue_kept(Bytes& input, std::uint32_t max_packet_size) {
    FixedHeader header = parse_fixed_header({kept_.get(), size_});
    // Complete the fixed header byte by byte, so that no byte behind the header is stored before its length is checked.
    // A fixed header has at most 5 bytes.
    while (header.state == FixedHeader::State::incomplete) {
        if (input.empty()) return {Status::need_more, 0, {}};
        keep(input.first(1), 0);
        input = input.subspan(1);
        header = parse_fixed_header({kept_.get(), size_});
    }
    if (const Status verdict = judge(header, max_packet_size); verdict != Status::need_more)
        return {verdict, header.total, {kept_.get(), size_}};

    LEDGE_ASSERT(size_ <= header.total);
    // Bytes behind the packet stay in the input and begin the next packet.
    const std::size_t added = std::min(header.total - std::size_t{size_}, input.size());
    keep(input.first(added), header.total);
    input = input.subspan(added);
    if (size_ < header.total) return {Status::need_more, 0, {}};
    is_delivered_ = true;
    return {Status::frame, 0, {kept_.get(), size_}};
}

/// Appends bytes to the unfinished packet. The memory grows with the bytes that have arrived, never with the announced
/// length. `total` is the announced size of the packet, or 0 if unknown; a known `total` limits the memory.
void Framer::keep(Bytes bytes, std::size_t total) {
    constexpr std::size_t smallest = 32;
    const std::size_t needed = size_ + bytes.size();
    // The callers never pass bytes behind the packet.
    LEDGE_ASSERT(total == 0 || needed <= total);
    if (needed > capacity_) {
        // Doubling keeps the number of copies logarithmic, even if a peer sends single bytes.
        std::size_t capacity = std::max(2 * needed, smallest);
        if (total != 0) capacity = std::min(capacity, total);
        auto grown = std::make_unique_for_overwrite<Byte[]>(capacity);
        // realloc(3) is not used: it would leave a copy of a password in freed memory.
        if (size_ != 0) std::memcpy(grown.get(), kept_.get(), size_);
        wipe_credentials();
        kept_ = std::move(grown);
        capacity_ = static_cast<std::uint32_t>(capacity);
    }
    if (!bytes.empty()) std::memcpy(kept_.get() + size_, bytes.data(), bytes.size());
    size_ = static_cast<std::uint32_t>(needed);
}

/// Overwrites a CONNECT or an AUTH before its memory is freed, because they contain passwords or proofs.
void Framer::wipe_credentials() {
    if (size_ == 0) return;
    const unsigned type = unsigned{kept_[0]} >> 4U;
    const bool has_credentials =
        type == static_cast<unsigned>(PacketType::connect) || type == static_cast<unsigned>(PacketType::auth);
    // explicit_bzero(3), because a compiler may remove a memset() of memory that is freed next.
    if (has_credentials) explicit_bzero(kept_.get(), size_);
}

void Framer::release() {
    wipe_credentials();
    // The memory is given back, so that an idle connection has no buffer.
    kept_.reset();
    size_ = 0;
    capacity_ = 0;
    is_delivered_ = false;
}

}  // namespace ledge::wire
