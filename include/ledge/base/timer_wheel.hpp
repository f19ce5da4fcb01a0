// TimerWheel: intrusive timers with ticks of 500 ms, for deadlines at any distance. A timer never fires early, and at
// most one tick late. Setting and cancelling are O(1) and allocate nothing. Each shard has one wheel, on its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge {

class TimerWheel;

/// A member of the object that wants to be woken. Its destructor cancels the timer.
class Timer {
public:
    Timer() = default;
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    bool is_set() const { return wheel_ != nullptr; }
    /// Returns the deadline of the last set(). The value has no meaning once the timer has fired or was cancelled.
    Instant deadline() const { return deadline_; }
    void cancel() noexcept;

private:
    friend class TimerWheel;
    Timer* next_ = nullptr;
    Timer* previous_ = nullptr;    // nullptr = the first timer of its list
    TimerWheel* wheel_ = nullptr;  // nullptr = the timer is not set
    Instant deadline_ = never;
    std::uint16_t list_ = 0;  // index in TimerWheel::heads_
};

class TimerWheel {
public:
    static constexpr Duration tick = 500ms;

    explicit TimerWheel(Instant start);
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    ~TimerWheel();

    /// Sets `timer`, whether or not it was set before. With a deadline in the past, the timer is due at the next
    /// pop_due(). With the deadline `never`, the timer stays unset.
    void set(Timer& timer, Instant deadline);

    /// Removes one timer that is due at `now` and returns it; nullptr = no timer is due. Call until nullptr. Timers of
    /// an earlier tick come first; timers of one tick come in no particular order. A `now` before the last one is
    /// ignored.
    Timer* pop_due(Instant now);

    /// Returns when pop_due() has to be called next; `never` when no timer is set. The result is a tick boundary, and
    /// never later than the tick in which the next timer fires. Usually the result is exactly this tick. Only if the
    /// earliest of several timers more than 32 s away was cancelled may the wheel ask for one call that finds no timer.
    Instant next_deadline() const;

    std::size_t size() const { return size_; }

private:
    friend class Timer;
    // 8 levels of 64 slots cover 2^48 ticks; an Instant covers only 2^45. See timer_wheel.cpp.
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
    std::uint64_t current_ = 0;                       // the last tick whose timers became due
    std::size_t size_ = 0;                            // timers that are set
    std::array<std::uint64_t, levels> occupied_{};    // per level: one bit for each slot that is not empty
    std::array<std::uint64_t, due_list> earliest_{};  // per occupied slot: no timer of the slot fires before this tick
    std::array<Timer*, due_list + 1> heads_{};        // the lists of the slots, then the list of the due timers
};

}  // namespace ledge
