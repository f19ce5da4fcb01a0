#include "ledge/wire/framer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fixed_header.hpp"

namespace ledge::wire {

Framer::Next Framer::next_of_any_kind(Bytes& input, std::uint32_t max_packet_size) {
    if (is_delivered_) release();
    return size_ == 0 ? next_in_input(input, max_packet_size) : continue_kept(input, max_packet_size);
}

namespace {

/// `need_more` stands for a header that is fine so far.
Framer::Status judge(const FixedHeader& header, std::uint32_t max_packet_size) {
    if (header.state == FixedHeader::State::malformed) return Framer::Status::malformed;
    if (header.state == FixedHeader::State::complete && header.total > max_packet_size)
        return Framer::Status::too_large;
    return Framer::Status::need_more;
}

}  // namespace

Framer::Next Framer::next_in_input(Bytes& input, std::uint32_t max_packet_size) {
    if (input.empty()) return {Status::need_more, 0, {}};
    const FixedHeader header = parse_fixed_header(input);
    if (const Status verdict = judge(header, max_packet_size); verdict != Status::need_more)
        return {verdict, header.total, input};
    if (header.state == FixedHeader::State::complete && header.total <= input.size()) {
        const Bytes frame = input.first(header.total);
        input = input.subspan(header.total);
        return {Status::frame, 0, frame};
    }
    keep(std::exchange(input, {}), header.total);
    return {Status::need_more, 0, {}};
}

Framer::Next Framer::continue_kept(Bytes& input, std::uint32_t max_packet_size) {
    FixedHeader header = parse_fixed_header({kept_.get(), size_});
    while (header.state == FixedHeader::State::incomplete) {  // byte by byte, at most 5 in all
        if (input.empty()) return {Status::need_more, 0, {}};
        keep(input.first(1), 0);
        input = input.subspan(1);
        header = parse_fixed_header({kept_.get(), size_});
    }
    if (const Status verdict = judge(header, max_packet_size); verdict != Status::need_more)
        return {verdict, header.total, {kept_.get(), size_}};

    const std::size_t taken = std::min(header.total - std::size_t{size_}, input.size());
    keep(input.first(taken), header.total);
    input = input.subspan(taken);
    if (size_ < header.total) return {Status::need_more, 0, {}};
    is_delivered_ = true;
    return {Status::frame, 0, {kept_.get(), size_}};
}

/// Grows by what has arrived, never by what was announced; `total`, when known, only caps.
void Framer::keep(Bytes bytes, std::size_t total) {
    constexpr std::size_t smallest = 32;
    const std::size_t needed = size_ + bytes.size();
    if (needed > capacity_) {
        std::size_t capacity = std::max(2 * needed, smallest);
        if (total != 0) capacity = std::min(capacity, total);
        auto grown = std::make_unique_for_overwrite<Byte[]>(capacity);
        if (size_ != 0) std::memcpy(grown.get(), kept_.get(), size_);
        wipe_credentials();
        kept_ = std::move(grown);
        capacity_ = static_cast<std::uint32_t>(capacity);
    }
    if (!bytes.empty()) std::memcpy(kept_.get() + size_, bytes.data(), bytes.size());
    size_ = static_cast<std::uint32_t>(needed);
}

/// CONNECT has passwords, AUTH may have proofs: freed memory keeps neither.
void Framer::wipe_credentials() {
    if (size_ == 0) return;
    const unsigned type = unsigned{kept_[0]} >> 4U;
    const bool has_credentials =
        type == static_cast<unsigned>(PacketType::connect) || type == static_cast<unsigned>(PacketType::auth);
    if (has_credentials) explicit_bzero(kept_.get(), size_);
}

void Framer::release() {
    wipe_credentials();
    kept_.reset();
    size_ = 0;
    capacity_ = 0;
    is_delivered_ = false;
}

}  // namespace ledge::wire
