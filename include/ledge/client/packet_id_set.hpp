// PacketIdSet: a set of packet ids. Up to two ids need no memory of their own, which is enough for a device with one
// message under way in each direction; from the third one on the set has one bit per id, 8 KiB. Window: the open
// exchanges of one connection, limited by a Receive Maximum. Both are owned by Client.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "ledge/wire/packets.hpp"

namespace ledge::client {

class PacketIdSet {
public:
    bool contains(wire::PacketId id) const {
        if (words_ != nullptr) return ((*words_)[id / 64U] & bit_of(id)) != 0;
        return (size_ > 0 && few_[0] == id) || (size_ > 1 && few_[1] == id);
    }
    /// False: the id was in the set already.
    bool insert(wire::PacketId id) {
        if (contains(id)) return false;
        if (words_ == nullptr && size_ < few_.size()) {
            few_[size_++] = id;
            return true;
        }
        if (words_ == nullptr) {
            words_ = std::make_unique<Words>();
            for (const wire::PacketId one : few_) (*words_)[one / 64U] |= bit_of(one);
        }
        (*words_)[id / 64U] |= bit_of(id);
        ++size_;
        return true;
    }
    /// False: the id was not in the set.
    bool erase(wire::PacketId id) {
        if (!contains(id)) return false;
        --size_;
        if (words_ != nullptr)
            (*words_)[id / 64U] &= ~bit_of(id);
        else if (few_[0] == id)
            few_[0] = few_[1];  // of one or two ids the other one stays
        return true;
    }
    std::uint32_t size() const { return size_; }
    void clear() {
        words_.reset();
        size_ = 0;
    }

private:
    using Words = std::array<std::uint64_t, 1024>;
    static std::uint64_t bit_of(wire::PacketId id) { return std::uint64_t{1} << (id % 64U); }

    std::unique_ptr<Words> words_;         // nullptr until the third id comes; then until clear()
    std::array<wire::PacketId, 2> few_{};  // the ids while words_ is nullptr
    std::uint32_t size_ = 0;
};

class Window {
public:
    /// For a new connection, which has no open exchanges.
    void reset(std::uint32_t maximum) {
        open_.clear();
        maximum_ = maximum;
    }
    bool has_room() const { return open_.size() < maximum_; }
    bool is_exceeded() const { return open_.size() > maximum_; }
    bool is_open(wire::PacketId id) const { return open_.contains(id); }
    bool open(wire::PacketId id) { return open_.insert(id); }
    bool close(wire::PacketId id) { return open_.erase(id); }

private:
    PacketIdSet open_;
    std::uint32_t maximum_ = 65'535;
};

}  // namespace ledge::client
