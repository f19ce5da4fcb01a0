// How a timer finds its slot. Write the tick of the timer and the current tick in base 64:
//
//     current   0 0 0 0 0 0 5 12        The first digit from the left that differs, here the second last,
//     timer     0 0 0 0 0 0 7 31        gives the level (1). The timer's digit at this place (7) is the slot.
//
// So every timer on level L agrees with the current tick in all digits left of digit L, and is larger in digit L. Two
// things follow. First, the lowest occupied slot of the lowest occupied level holds the earliest timer. Second, when
// time enters a slot of a level L > 0, the timers of the slot agree with the current tick in digit L too, and move to
// lower levels.
#include "ledge/base/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "ledge/base/assert.hpp"

namespace ledge {
namespace {

constexpr auto tick_length = static_cast<std::uint64_t>(TimerWheel::tick.count());

/// Microseconds from `start` to the later `end`. The result is unsigned, because the distance between two Instants can
/// be larger than the largest Duration.
std::uint64_t distance(Instant start, Instant end) {
    return static_cast<std::uint64_t>(end.time_since_epoch().count()) -
           static_cast<std::uint64_t>(start.time_since_epoch().count());
}

}  // namespace

void Timer::cancel() noexcept {
    if (wheel_ != nullptr) wheel_->unlink(*this);
}

TimerWheel::TimerWheel(Instant start) : start_(start) {}

// Unlinks all timers, because they may outlive the wheel and must not touch its lists later.
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
    // While due timers are left, time stands still: their handlers may set further timers.
    if (heads_[due_list] == nullptr && now > start_) {
        // The division rounds down: a tick has come only when its time has passed completely.
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
        while (level < levels && occupied_[level] == 0) ++level;
        LEDGE_ASSERT(level < levels);  // size_ counts a timer that is not due, so a slot holds this timer
        const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
        // The lowest occupied level has the earliest slot (the rule at the top of this file). earliest_ may be too
        // early after a cancellation; the loop then wakes up once for nothing.
        next = earliest_[level * slots_per_level + slot];
    }
    if (next >= distance(start_, never) / tick_length) return never;
    const auto since_epoch = static_cast<std::uint64_t>(start_.time_since_epoch().count()) + next * tick_length;
    return Instant(Duration(static_cast<Duration::rep>(since_epoch)));
}

/// The first tick at which `deadline` has passed. The division rounds up, so that no timer fires early.
std::uint64_t TimerWheel::tick_of(Instant deadline) const {
    if (deadline <= start_) return 0;
    const std::uint64_t ahead = distance(start_, deadline);
    return ahead / tick_length + (ahead % tick_length != 0 ? 1 : 0);
}

/// The first tick of a slot. The digits left of the level are those of the current tick.
std::uint64_t TimerWheel::slot_start(unsigned level, unsigned slot) const {
    const unsigned shift = level * slot_bits;
    const std::uint64_t left = current_ >> (shift + slot_bits);
    return ((left << slot_bits) | slot) << shift;
}

/// Puts the timer into the list of its slot, or of the due timers.
void TimerWheel::place(Timer& timer) {
    const std::uint64_t at = tick_of(timer.deadline_);
    if (at <= current_) {
        link(timer, due_list);
        return;
    }
    // The highest digit in which the two ticks differ.
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
    LEDGE_ASSERT(timer.wheel_ == this && size_ > 0);
    if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
    if (timer.previous_ != nullptr) {
        timer.previous_->next_ = timer.next_;
    } else {
        heads_[timer.list_] = timer.next_;
        // earliest_ keeps the old tick, because finding the new one would need a search through the slot.
        if (timer.next_ == nullptr && timer.list_ != due_list) {
            occupied_[timer.list_ / slots_per_level] &= ~(std::uint64_t{1} << (timer.list_ % slots_per_level));
        }
    }
    timer.next_ = timer.previous_ = nullptr;
    timer.wheel_ = nullptr;
    --size_;
}

/// Moves the current tick to `target`, or to the first tick on the way that makes a timer due. Slots without timers
/// cost nothing.
void TimerWheel::advance(std::uint64_t target) {
    while (heads_[due_list] == nullptr && current_ < target) {
        unsigned level = 0;
        while (level < levels && occupied_[level] == 0) ++level;
        if (level == levels) break;
        const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
        const std::uint64_t entry = slot_start(level, slot);
        // The slot begins after `target`, and every other slot begins even later.
        if (entry > target) break;
        current_ = entry;
        open(level, slot);
    }
    // No occupied slot starts at or before `target` now, so the rule at the top of this file still holds.
    if (heads_[due_list] == nullptr) current_ = std::max(current_, target);
}

/// Empties a slot that time has entered. The timers of a slot on level 0 are due now; others move to lower levels.
void TimerWheel::open(unsigned level, unsigned slot) {
    const auto list = static_cast<std::uint16_t>(level * slots_per_level + slot);
    Timer* timer = heads_[list];
    heads_[list] = nullptr;
    occupied_[level] &= ~(std::uint64_t{1} << slot);
    while (timer != nullptr) {
        Timer* next = timer->next_;
        --size_;  // place() links the timer, and so counts it again
        place(*timer);
        timer = next;
    }
}

}  // namespace ledge
