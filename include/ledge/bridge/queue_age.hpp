// QueueAge: how long the oldest message of a queue has been there. The queue does not keep the times at which its
// messages came, since a time per message would cost memory and flash. QueueAge notes from time to time which row the
// queue has given out last, and computes the time of any row between two such points by interpolation.
//
// Exact within the pause between two points. While the queue grows for a long time, points far in the past are thinned
// out: the error is then at most a quarter of the age, and far less if messages come evenly. Rows from before the first
// point are as old as that point, or older: after a restart of the broker the age counts from the start. Owned by
// whoever reads the queue.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::bridge {

class QueueAge {
public:
    static constexpr std::size_t points_max = 64;

    struct Age {
        Duration age{};
        bool is_minimum = false;  // the message is older by an unknown time
    };

    /// The queue's highest row is `last`, and no message in the queue has a lower row than `oldest`; 0 = the queue is
    /// empty. Rows only grow; a lower `last` than before means that the queue is a new one.
    void note(std::uint64_t last, std::uint64_t oldest, Instant now);
    /// The age of the message with row `oldest`. Requires that note() was called with the same time and rows.
    Age age_of(std::uint64_t oldest, Instant now) const;

private:
    struct Point {
        std::uint64_t last = 0;  // the highest row at this time
        Instant at{};
    };

    void forget_before(std::uint64_t oldest);
    void thin_out();

    std::vector<Point> points_;    // ascending in both members; at most points_max
    std::uint64_t first_row_ = 0;  // rows up to this one came before the first point
    Instant first_at_{};
};

}  // namespace ledge::bridge
