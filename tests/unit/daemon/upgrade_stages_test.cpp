// Every cell of the table in upgrade_stages.hpp.
#include "upgrade_stages.hpp"

#include <doctest/doctest.h>

#include <iterator>

using namespace ledge::daemon;

namespace {

using Stage = UpgradeStage;
using Event = UpgradeEvent;
using Step = UpgradeStep;

struct Cell {
    Stage before;
    Event event;
    Step step;
    Stage after;
};

constexpr Cell table[] = {
    {Stage::serving, Event::requested, Step::start, Stage::starting},
    {Stage::serving, Event::prepared, Step::none, Stage::serving},
    {Stage::serving, Event::took_over, Step::none, Stage::serving},
    {Stage::serving, Event::failed, Step::none, Stage::serving},
    {Stage::serving, Event::closed, Step::none, Stage::serving},
    {Stage::serving, Event::abandoned, Step::none, Stage::serving},
    {Stage::serving, Event::stop, Step::none, Stage::serving},

    {Stage::starting, Event::requested, Step::refuse, Stage::starting},
    {Stage::starting, Event::prepared, Step::close, Stage::closing},
    {Stage::starting, Event::took_over, Step::give_up, Stage::serving},
    {Stage::starting, Event::failed, Step::give_up, Stage::serving},
    {Stage::starting, Event::closed, Step::none, Stage::starting},
    {Stage::starting, Event::abandoned, Step::none, Stage::starting},
    {Stage::starting, Event::stop, Step::give_up, Stage::serving},

    {Stage::closing, Event::requested, Step::refuse, Stage::closing},
    {Stage::closing, Event::prepared, Step::give_up, Stage::reopening},
    {Stage::closing, Event::took_over, Step::give_up, Stage::reopening},
    {Stage::closing, Event::failed, Step::give_up, Stage::reopening},
    {Stage::closing, Event::closed, Step::open, Stage::opening},
    {Stage::closing, Event::abandoned, Step::end, Stage::over},
    {Stage::closing, Event::stop, Step::end, Stage::over},

    {Stage::reopening, Event::requested, Step::refuse, Stage::reopening},
    {Stage::reopening, Event::prepared, Step::none, Stage::reopening},
    {Stage::reopening, Event::took_over, Step::none, Stage::reopening},
    {Stage::reopening, Event::failed, Step::none, Stage::reopening},
    {Stage::reopening, Event::closed, Step::serve_again, Stage::serving},
    {Stage::reopening, Event::abandoned, Step::end, Stage::over},
    {Stage::reopening, Event::stop, Step::end, Stage::over},

    {Stage::opening, Event::requested, Step::refuse, Stage::opening},
    {Stage::opening, Event::prepared, Step::serve_again, Stage::serving},
    {Stage::opening, Event::took_over, Step::finish, Stage::over},
    {Stage::opening, Event::failed, Step::serve_again, Stage::serving},
    {Stage::opening, Event::closed, Step::none, Stage::opening},
    {Stage::opening, Event::abandoned, Step::none, Stage::opening},
    {Stage::opening, Event::stop, Step::end, Stage::over},

    {Stage::over, Event::requested, Step::none, Stage::over},
    {Stage::over, Event::prepared, Step::none, Stage::over},
    {Stage::over, Event::took_over, Step::none, Stage::over},
    {Stage::over, Event::failed, Step::none, Stage::over},
    {Stage::over, Event::closed, Step::none, Stage::over},
    {Stage::over, Event::abandoned, Step::none, Stage::over},
    {Stage::over, Event::stop, Step::none, Stage::over},
};

constexpr int stages = static_cast<int>(Stage::over) + 1;
constexpr int events = static_cast<int>(Event::stop) + 1;

}  // namespace

TEST_CASE("each event in each stage of an upgrade has the step and the next stage of the table") {
    static_assert(std::size(table) == static_cast<std::size_t>(stages * events), "no cell is missing");
    for (const Cell& cell : table) {
        CAPTURE(static_cast<int>(cell.before));
        CAPTURE(static_cast<int>(cell.event));
        Stage stage = cell.before;
        CHECK(advance(stage, cell.event) == cell.step);
        CHECK(stage == cell.after);
    }
}

TEST_CASE("whatever comes in whatever order, nobody is told to open a store that is not closed") {
    // All sequences of five events from the start.
    for (int code = 0; code < events * events * events * events * events; ++code) {
        Stage stage = Stage::serving;
        bool is_closed = false;
        for (int rest = code, i = 0; i < 5; ++i, rest /= events) {
            const auto event = static_cast<Event>(rest % events);
            // The owner tells of its store once for each time that it was told to close it.
            if (event == Event::closed && stage != Stage::closing && stage != Stage::reopening) continue;
            is_closed = is_closed || event == Event::closed;
            const Step step = advance(stage, event);
            if (step == Step::open || step == Step::serve_again || step == Step::finish) REQUIRE(is_closed);
            if (step == Step::serve_again) is_closed = false;
        }
    }
}
