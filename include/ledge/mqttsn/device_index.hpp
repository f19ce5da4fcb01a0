// DeviceIndex: finds a device by a text that the device itself has (its peer, its client id). The index stores ids
// only, 4 bytes each: an entry of a map with its own copy or view of the text would take 60. Part of a Gateway.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledge/base/assert.hpp"
#include "ledge/base/text_hash.hpp"

namespace ledge::mqttsn {

/// `TextOf` returns the text of an id: std::string_view operator()(std::uint32_t) const. The text must not change while
/// the id is in the index.
template <class TextOf>
class DeviceIndex {
public:
    /// As in a map, `second` is the id.
    struct Entry {
        std::uint32_t second = 0;
    };
    class Iterator {
    public:
        const Entry* operator->() const { return &entry_; }
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.is_end_ == b.is_end_; }

    private:
        friend class DeviceIndex;
        Entry entry_;
        bool is_end_ = true;
    };

    /// `hash` must outlive the index.
    DeviceIndex(const TextHash& hash, TextOf text_of) : ids_(0, Hash{&hash, text_of}, Equal{text_of}) {}

    Iterator find(std::string_view text) const {
        Iterator result;
        const auto found = ids_.find(text);
        result.is_end_ = found == ids_.end();
        if (!result.is_end_) result.entry_.second = *found;
        return result;
    }
    Iterator end() const { return {}; }
    bool contains(std::string_view text) const { return ids_.contains(text); }
    /// Requires that `text` is the text of the id.
    void emplace(std::string_view text, std::uint32_t id) {
        LEDGE_ASSERT(!contains(text));
        ids_.insert(id);
    }
    void erase(std::string_view text) { ids_.erase(text); }
    std::size_t size() const { return ids_.size(); }

private:
    struct Hash {
        using is_transparent = void;
        const TextHash* hash;
        TextOf text_of;
        std::size_t operator()(std::string_view text) const { return (*hash)(text); }
        std::size_t operator()(std::uint32_t id) const { return (*hash)(text_of(id)); }
    };
    struct Equal {
        using is_transparent = void;
        TextOf text_of;
        bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
        bool operator()(std::string_view text, std::uint32_t id) const { return text == text_of(id); }
        bool operator()(std::uint32_t id, std::string_view text) const { return text == text_of(id); }
    };

    boost::unordered_flat_set<std::uint32_t, Hash, Equal> ids_;
};

}  // namespace ledge::mqttsn
