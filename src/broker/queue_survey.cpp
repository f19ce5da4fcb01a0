#include "queue_survey.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/queue_losses.hpp"

namespace ledge::broker {
namespace {

/// Keeps the list sorted and short. A client id is copied only when it enters the list.
void enter(std::vector<session::OwnerFigure>& list, std::string_view client_id, std::uint64_t value) {
    if (value == 0 || (list.size() == QueueSurvey::listed_max && list.back().value >= value)) return;
    if (list.size() == QueueSurvey::listed_max) list.pop_back();
    const auto place = std::ranges::upper_bound(list, value, std::ranges::greater(), &session::OwnerFigure::value);
    list.insert(place, {std::string(client_id), value});
}

}  // namespace

void QueueSurvey::begin() {
    if (is_under_way_) return;
    is_under_way_ = true;
    slot_ = 0;
    go_on();
}

void QueueSurvey::go_on() {
    LEDGE_ASSERT(is_under_way_);
    const std::uint32_t end = std::min(sessions_.slots(), slot_ + slots_per_step);
    for (; slot_ < end; ++slot_) {
        if (const session::Session* session = sessions_.at(slot_)) look_at(*session);
    }
    if (slot_ < sessions_.slots()) return;
    next_.is_known = true;
    findings_ = std::exchange(next_, {});
    is_under_way_ = false;
}

void QueueSurvey::look_at(const session::Session& session) {
    const std::uint64_t messages = session.queue().size();
    std::size_t digits = 0;
    for (std::uint64_t rest = messages; rest > 0 && digits + 1 < QueueFindings::lengths; rest /= 10) ++digits;
    ++next_.sessions_by_length[digits];
    enter(next_.longest, session.client_id(), messages);
    if (const session::QueueLosses* losses = session.queue().losses())
        enter(next_.losses, session.client_id(), losses->lost());
}

}  // namespace ledge::broker
