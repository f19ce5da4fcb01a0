// The table of upgrade_stages.hpp, column by column.
#include "upgrade_stages.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::daemon {
namespace {

using Stage = UpgradeStage;
using Event = UpgradeEvent;
using Step = UpgradeStep;

struct Move {
    Step step = Step::none;
    Stage next = Stage::serving;
};

Move in_starting(Event event) {
    switch (event) {
        case Event::requested: return {Step::refuse, Stage::starting};
        case Event::prepared: return {Step::close, Stage::closing};
        // The order of the protocol is broken, so nothing that this program says can be believed.
        case Event::took_over:
        case Event::failed:
        case Event::stop: return {Step::give_up, Stage::serving};
        case Event::closed:
        case Event::abandoned: break;
    }
    return {Step::none, Stage::starting};
}

Move in_closing(Event event) {
    switch (event) {
        case Event::requested: return {Step::refuse, Stage::closing};
        case Event::prepared:
        case Event::took_over:
        case Event::failed: return {Step::give_up, Stage::reopening};
        case Event::closed: return {Step::open, Stage::opening};
        // A store that this process has open cannot be opened by anybody, not even by this process.
        case Event::abandoned:
        case Event::stop: break;
    }
    return {Step::end, Stage::over};
}

Move in_reopening(Event event) {
    switch (event) {
        case Event::requested: return {Step::refuse, Stage::reopening};
        case Event::prepared:
        case Event::took_over:
        case Event::failed: return {Step::none, Stage::reopening};
        case Event::closed: return {Step::serve_again, Stage::serving};
        case Event::abandoned:
        case Event::stop: break;
    }
    return {Step::end, Stage::over};
}

Move in_opening(Event event) {
    switch (event) {
        case Event::requested: return {Step::refuse, Stage::opening};
        case Event::took_over: return {Step::finish, Stage::over};
        case Event::prepared:
        case Event::failed: return {Step::serve_again, Stage::serving};
        case Event::stop: return {Step::end, Stage::over};
        case Event::closed:
        case Event::abandoned: break;
    }
    return {Step::none, Stage::opening};
}

Move move_of(Stage stage, Event event) {
    switch (stage) {
        case Stage::serving:
            return event == Event::requested ? Move{Step::start, Stage::starting} : Move{Step::none, Stage::serving};
        case Stage::starting: return in_starting(event);
        case Stage::closing: return in_closing(event);
        case Stage::reopening: return in_reopening(event);
        case Stage::opening: return in_opening(event);
        case Stage::over: break;
    }
    return {Step::none, Stage::over};
}

}  // namespace

UpgradeStep advance(UpgradeStage& stage, UpgradeEvent event) {
    const Move move = move_of(stage, event);
    LEDGE_ASSERT(stage != Stage::over || move.next == Stage::over);  // the end is final
    stage = move.next;
    return move.step;
}

}  // namespace ledge::daemon
