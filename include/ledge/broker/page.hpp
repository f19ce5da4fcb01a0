// Page: the first entries of a list in the order of their keys, collected from a walk that meets the entries in any
// order and may meet one twice. So a list of a table without order has pages, and no index is kept for them. Memory is
// bounded by the size of the page, however long the walk is.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace ledge::broker {

template <class Entry>
class Page {
public:
    /// Keeps the `count_max` entries with the lowest keys behind `after`; "" = from the first key on.
    Page(std::string_view after, std::size_t count_max) : after_(after), count_max_(count_max) {}

    /// False when the entry cannot be a part of the page. The walk then need not compute the entry.
    bool wants(std::string_view key) {
        if (!after_.empty() && key <= after_) return false;
        if (entries_.size() < count_max_ || (count_max_ > 0 && key <= entries_.rbegin()->first)) return true;
        has_more_ = true;
        return false;
    }
    /// The entry of this key, new if necessary. Requires wants(key). The last entry leaves a page that is too long.
    Entry& add(std::string_view key) {
        const auto found = entries_.find(key);
        if (found != entries_.end()) return found->second;
        Entry& added = entries_.emplace(std::string(key), Entry{}).first->second;
        if (entries_.size() > count_max_) {
            entries_.erase(std::prev(entries_.end()));
            has_more_ = true;
        }
        return added;
    }

    const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
    std::map<std::string, Entry, std::less<>>& entries() { return entries_; }
    /// `after` of the next page; "" = this page is the last one.
    std::string next() const { return has_more_ && !entries_.empty() ? entries_.rbegin()->first : std::string(); }

private:
    std::string after_;
    std::size_t count_max_;
    std::map<std::string, Entry, std::less<>> entries_;
    bool has_more_ = false;
};

}  // namespace ledge::broker
