// How a timer finds its slot. Write its tick and the current tick in base 64:
//
//     current   0 0 0 0 0 0 5 12        the first digit from the left that differs, here the second last,
//     timer     0 0 0 0 0 0 7 31        names the level (1); the timer's digit there (7) is the slot
//
// So every timer on level L agrees with the current tick in all digits left of L and is larger in digit L. From that:
// the lowest occupied slot of the lowest occupied level holds the earliest timer, and when time enters a slot of
// level L > 0, its timers agree with the current tick in digit L too and move to lower levels.
#include "ledge/base/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "ledge/base/assert.hpp"

namespace ledge {
namespace {

constexpr auto tick_length = static_cast<std::uint64_t>(TimerWheel::tick.count());

/// Microseconds from `start` to the later `end`. Unsigned: the distance between two Instants can exceed a Duration.
std::uint64_t distance(Instant start, Instant end) {
    return static_cast<std::uint64_t>(end.time_since_epoch().count()) -
           static_cast<std::uint64_t>(start.time_since_epoch().count());
}

}  // namespace

void Timer::cancel() noexcept {
    if (wheel_ != nullptr) wheel_->unlink(*this);
}

TimerWheel::TimerWheel(Instant start) : start_(start) {}

TimerWheel::~TimerWheel() {
    for (Timer* head : heads_) {
        for (Timer* timer = head; timer != nullptr;) {
            Timer* next = timer->next_;
            timer->next_ = timer->previous_ = nullptr;
            timer->wheel_ = nullptr;
            timer = next;
        }
    }
}

void TimerWheel::set(Timer& timer, Instant deadline) {
    timer.cancel();
    timer.deadline_ = deadline;
    if (deadline != never) place(timer);
}

Timer* TimerWheel::pop_due(Instant now) {
    if (heads_[due_list] == nullptr && now > start_) {
        // Rounded down: a tick counts only once it is reached entirely.
        advance(distance(start_, now) / tick_length);
    }
    Timer* timer = heads_[due_list];
    if (timer != nullptr) unlink(*timer);
    return timer;
}

Instant TimerWheel::next_deadline() const {
    if (size_ == 0) return never;
    std::uint64_t next = current_;
    if (heads_[due_list] == nullptr) {
        unsigned level = 0;
        while (occupied_[level] == 0) ++level;
        const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
        next = earliest_[level * slots_per_level + slot];
    }
    if (next >= distance(start_, never) / tick_length) return never;
    const auto since_epoch = static_cast<std::uint64_t>(start_.time_since_epoch().count()) + next * tick_length;
    return Instant(Duration(static_cast<Duration::rep>(since_epoch)));
}

/// The tick at which `deadline` has passed: rounded up, so that no timer is early.
std::uint64_t TimerWheel::tick_of(Instant deadline) const {
    if (deadline <= start_) return 0;
    const std::uint64_t ahead = distance(start_, deadline);
    return ahead / tick_length + (ahead % tick_length != 0 ? 1 : 0);
}

/// The first tick of a slot, seen from the current tick.
std::uint64_t TimerWheel::slot_start(unsigned level, unsigned slot) const {
    const unsigned shift = level * slot_bits;
    const std::uint64_t left = current_ >> (shift + slot_bits);
    return ((left << slot_bits) | slot) << shift;
}

void TimerWheel::place(Timer& timer) {
    const std::uint64_t at = tick_of(timer.deadline_);
    if (at <= current_) {
        link(timer, due_list);
        return;
    }
    const auto level = static_cast<unsigned>(std::bit_width(at ^ current_) - 1) / slot_bits;
    LEDGE_ASSERT(level < levels);
    const auto slot = static_cast<unsigned>(at >> (level * slot_bits)) % slots_per_level;
    const auto list = static_cast<std::uint16_t>(level * slots_per_level + slot);
    const std::uint64_t bit = std::uint64_t{1} << slot;
    earliest_[list] = (occupied_[level] & bit) != 0 ? std::min(earliest_[list], at) : at;
    occupied_[level] |= bit;
    link(timer, list);
}

void TimerWheel::link(Timer& timer, std::uint16_t list) {
    timer.wheel_ = this;
    timer.list_ = list;
    timer.previous_ = nullptr;
    timer.next_ = heads_[list];
    if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
    heads_[list] = &timer;
    ++size_;
}

void TimerWheel::unlink(Timer& timer) noexcept {
    if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
    if (timer.previous_ != nullptr) {
        timer.previous_->next_ = timer.next_;
    } else {
        heads_[timer.list_] = timer.next_;
        if (timer.next_ == nullptr && timer.list_ != due_list) {
            occupied_[timer.list_ / slots_per_level] &= ~(std::uint64_t{1} << (timer.list_ % slots_per_level));
        }
    }
    timer.next_ = timer.previous_ = nullptr;
    timer.wheel_ = nullptr;
    --size_;
}

/// Moves to `target`, or to the first tick on the way that makes a timer due. Empty ticks cost nothing.
void TimerWheel::advance(std::uint64_t target) {
    while (heads_[due_list] == nullptr && current_ < target) {
        unsigned level = 0;
        while (level < levels && occupied_[level] == 0) ++level;
        if (level == levels) break;
        const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
        const std::uint64_t entry = slot_start(level, slot);
        if (entry > target) break;
        current_ = entry;
        open(level, slot);
    }
    // No occupied slot starts at or before `target` now, so the placement rule still holds for all that remain.
    if (heads_[due_list] == nullptr) current_ = std::max(current_, target);
}

/// Time has entered a slot: its timers are due (level 0) or move to lower levels.
void TimerWheel::open(unsigned level, unsigned slot) {
    const auto list = static_cast<std::uint16_t>(level * slots_per_level + slot);
    Timer* timer = heads_[list];
    heads_[list] = nullptr;
    occupied_[level] &= ~(std::uint64_t{1} << slot);
    while (timer != nullptr) {
        Timer* next = timer->next_;
        --size_;  // link() counts it again
        place(*timer);
        timer = next;
    }
}

}  // namespace ledge
