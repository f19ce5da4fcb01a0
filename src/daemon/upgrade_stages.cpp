// The table of upgrade_stages.hpp, column by column.
#include "upgrade_stages.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::daemon {
namespace {

struct Move {
    UpgradeStep step = UpgradeStep::none;
    UpgradeStage next = UpgradeStage::serving;
};

Move in_starting(UpgradeEvent event) {
    switch (event) {
        case UpgradeEvent::requested: return {UpgradeStep::refuse, UpgradeStage::starting};
        case UpgradeEvent::prepared: return {UpgradeStep::close, UpgradeStage::closing};
        // The order of the protocol is broken, so nothing that this program says can be believed.
        case UpgradeEvent::took_over:
        case UpgradeEvent::failed:
        case UpgradeEvent::stop: return {UpgradeStep::give_up, UpgradeStage::serving};
        case UpgradeEvent::closed:
        case UpgradeEvent::abandoned: break;
    }
    return {UpgradeStep::none, UpgradeStage::starting};
}

Move in_closing(UpgradeEvent event) {
    switch (event) {
        case UpgradeEvent::requested: return {UpgradeStep::refuse, UpgradeStage::closing};
        case UpgradeEvent::prepared:
        case UpgradeEvent::took_over:
        case UpgradeEvent::failed: return {UpgradeStep::give_up, UpgradeStage::reopening};
        case UpgradeEvent::closed: return {UpgradeStep::open, UpgradeStage::opening};
        // A store that this process has open cannot be opened by anybody, not even by this process.
        case UpgradeEvent::abandoned:
        case UpgradeEvent::stop: break;
    }
    return {UpgradeStep::end, UpgradeStage::over};
}

Move in_reopening(UpgradeEvent event) {
    switch (event) {
        case UpgradeEvent::requested: return {UpgradeStep::refuse, UpgradeStage::reopening};
        case UpgradeEvent::prepared:
        case UpgradeEvent::took_over:
        case UpgradeEvent::failed: return {UpgradeStep::none, UpgradeStage::reopening};
        case UpgradeEvent::closed: return {UpgradeStep::serve_again, UpgradeStage::serving};
        case UpgradeEvent::abandoned:
        case UpgradeEvent::stop: break;
    }
    return {UpgradeStep::end, UpgradeStage::over};
}

Move in_opening(UpgradeEvent event) {
    switch (event) {
        case UpgradeEvent::requested: return {UpgradeStep::refuse, UpgradeStage::opening};
        case UpgradeEvent::took_over: return {UpgradeStep::finish, UpgradeStage::over};
        case UpgradeEvent::prepared:
        case UpgradeEvent::failed: return {UpgradeStep::serve_again, UpgradeStage::serving};
        case UpgradeEvent::stop: return {UpgradeStep::end, UpgradeStage::over};
        case UpgradeEvent::closed:
        case UpgradeEvent::abandoned: break;
    }
    return {UpgradeStep::none, UpgradeStage::opening};
}

Move move_of(UpgradeStage stage, UpgradeEvent event) {
    switch (stage) {
        case UpgradeStage::serving:
            return event == UpgradeEvent::requested ? Move{UpgradeStep::start, UpgradeStage::starting}
                                                    : Move{UpgradeStep::none, UpgradeStage::serving};
        case UpgradeStage::starting: return in_starting(event);
        case UpgradeStage::closing: return in_closing(event);
        case UpgradeStage::reopening: return in_reopening(event);
        case UpgradeStage::opening: return in_opening(event);
        case UpgradeStage::over: break;
    }
    return {UpgradeStep::none, UpgradeStage::over};
}

}  // namespace

UpgradeStep advance(UpgradeStage& stage, UpgradeEvent event) {
    const Move move = move_of(stage, event);
    LEDGE_ASSERT(stage != UpgradeStage::over || move.next == UpgradeStage::over);  // the end is final
    stage = move.next;
    return move.step;
}

}  // namespace ledge::daemon
