// OngoingWork: answers that need several turns of the loop: long lists, which are read a bounded part per turn, and
// streams, which write at times. Pages owns it; on the thread of the loop.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::admin {

/// One piece of work, for example a list that is being read.
class Ongoing {
public:
    Ongoing() = default;
    Ongoing(const Ongoing&) = delete;
    Ongoing& operator=(const Ongoing&) = delete;
    virtual ~Ongoing() = default;

    /// Does a bounded part of the work. Returns when the next part is due: `now` or earlier = in the next turn, `never`
    /// = after OngoingWork::wake(). nullopt = the work is done, and the object is destroyed.
    virtual std::optional<Instant> go_on(Instant now) = 0;
};

class OngoingWork {
public:
    /// The first part is due in the next turn. The result is for wake() and valid until the work is done.
    Ongoing* add(std::unique_ptr<Ongoing> work);
    /// Does the first part at once, and adds the work unless that was all. The next part is due when go_on() says.
    void begin(std::unique_ptr<Ongoing> work, Instant now);
    /// The next part of the work is due in the next turn. Has no effect if the work is done.
    void wake(const Ongoing* work);
    /// Destroys all work.
    void clear() { entries_.clear(); }

    /// Carries out all parts that are due. Work that is added meanwhile waits for the next turn.
    void on_time(Instant now);
    Instant next_deadline() const;
    bool is_due(Instant now) const { return next_deadline() <= now; }

private:
    struct Entry {
        std::unique_ptr<Ongoing> work;
        Instant due = Instant::min();
    };
    std::vector<Entry> entries_;
};

}  // namespace ledge::admin
