// QueueSurvey: walks through all sessions and finds the lengths of their queues and their losses. Each step is bounded,
// one a turn, so that a broker with many sessions never waits for a survey; with few sessions it is complete at once. A
// part of the shard; on the shard's thread.
#pragma once

#include <cstdint>

#include "ledge/broker/queue_findings.hpp"
#include "session_table.hpp"

namespace ledge::broker {

class QueueSurvey {
public:
    static constexpr std::size_t listed_max = 10;
    static constexpr std::uint32_t slots_per_step = 2000;  // well below a millisecond on a small board

    /// Each complete survey replaces `findings`.
    QueueSurvey(const SessionTable& sessions, QueueFindings& findings) : sessions_(sessions), findings_(findings) {}

    /// Makes the first step of a new survey. Does nothing while a survey is under way.
    void begin();
    /// Makes the next step. Requires is_under_way().
    void go_on();
    bool is_under_way() const { return is_under_way_; }

private:
    void look_at(const session::Session& session);

    const SessionTable& sessions_;
    QueueFindings& findings_;
    QueueFindings next_;  // of the survey under way
    std::uint32_t slot_ = 0;
    bool is_under_way_ = false;
};

}  // namespace ledge::broker
