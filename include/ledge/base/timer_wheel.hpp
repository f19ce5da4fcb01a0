// TimerWheel: intrusive timers in 500 ms ticks, any distance ahead. A timer never fires early; it fires at most one
// tick late. O(1) set and cancel, no allocation. One wheel per shard, on its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge {

class TimerWheel;

/// Embed it in the object it wakes. Unlinks itself when destroyed.
class Timer {
public:
    Timer() = default;
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    bool is_set() const { return wheel_ != nullptr; }
    /// Of the last set(); what it means is over once the timer has fired or was cancelled.
    Instant deadline() const { return deadline_; }
    void cancel() noexcept;

private:
    friend class TimerWheel;
    Timer* next_ = nullptr;
    Timer* previous_ = nullptr;  // nullptr: first of its list
    TimerWheel* wheel_ = nullptr;
    Instant deadline_ = never;
    std::uint16_t list_ = 0;
};

class TimerWheel {
public:
    static constexpr Duration tick = 500ms;

    explicit TimerWheel(Instant start);
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    ~TimerWheel();

    /// (Re)arms `timer`. A deadline in the past fires at the next pop_due; `never` leaves the timer unset.
    void set(Timer& timer, Instant deadline);

    /// One due timer, unlinked, or nullptr when none is due at `now`. Call until nullptr. Timers of an earlier tick
    /// come first; within a tick there is no order. Time that goes backwards is ignored.
    Timer* pop_due(Instant now);

    /// When pop_due has to be called next; `never` when no timer is set. Always a tick boundary, never later than the
    /// first timer that fires. It is exactly that tick unless the earliest of several timers more than 32 s away was
    /// cancelled: then the wheel may ask to be called once in vain.
    Instant next_deadline() const;

    std::size_t size() const { return size_; }

private:
    friend class Timer;
    // 8 levels of 64 slots hold 2^48 ticks; an Instant holds 2^45. See timer_wheel.cpp.
    static constexpr unsigned levels = 8;
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slots_per_level = 1U << slot_bits;
    static constexpr std::uint16_t due_list = levels * slots_per_level;

    std::uint64_t tick_of(Instant deadline) const;
    std::uint64_t slot_start(unsigned level, unsigned slot) const;
    void place(Timer& timer);
    void link(Timer& timer, std::uint16_t list);
    void unlink(Timer& timer) noexcept;
    void advance(std::uint64_t target);
    void open(unsigned level, unsigned slot);

    Instant start_;
    std::uint64_t current_ = 0;  // the last tick whose timers were made due
    std::size_t size_ = 0;
    std::array<std::uint64_t, levels> occupied_{};    // one bit per slot that is not empty
    std::array<std::uint64_t, due_list> earliest_{};  // per occupied slot: no timer in it fires before this tick
    std::array<Timer*, due_list + 1> heads_{};        // the last one: due, to be popped
};

}  // namespace ledge
