#include "ongoing.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::admin {

Ongoing* OngoingWork::add(std::unique_ptr<Ongoing> work) {
    LEDGE_ASSERT(work != nullptr);
    entries_.push_back({std::move(work), Instant::min()});
    return entries_.back().work.get();
}

void OngoingWork::begin(std::unique_ptr<Ongoing> work, Instant now) {
    LEDGE_ASSERT(work != nullptr);
    if (const std::optional<Instant> due = work->go_on(now)) entries_.push_back({std::move(work), *due});
}

void OngoingWork::wake(const Ongoing* work) {
    for (Entry& entry : entries_) {
        if (entry.work.get() == work) entry.due = Instant::min();
    }
}

void OngoingWork::on_time(Instant now) {
    const std::size_t count = entries_.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (entries_[i].due > now) continue;
        // The part may add or wake work, which moves or changes entries. Its own wake() must not be lost.
        entries_[i].due = never;
        Ongoing& work = *entries_[i].work;
        const std::optional<Instant> due = work.go_on(now);
        if (due)
            entries_[i].due = std::min(entries_[i].due, *due);
        else
            entries_[i].work.reset();
    }
    std::erase_if(entries_, [](const Entry& entry) { return entry.work == nullptr; });
}

Instant OngoingWork::next_deadline() const {
    Instant earliest = never;
    for (const Entry& entry : entries_) earliest = std::min(earliest, entry.due);
    return earliest;
}

}  // namespace ledge::admin
