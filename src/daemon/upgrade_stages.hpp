// How far an upgrade has come, as the old broker sees it, and what each event means. Pure: no I/O and no clock.
//
// The old broker starts the new one, which checks its configuration and says "prepared". The old one then stops to
// serve, closes the store and says "open". The new one opens the store, serves, and says "serving"; the old one ends.
// At each step the new one may fail: it is killed, and the old one serves on, or serves again.
//
//   event        serving        starting        closing           reopening     opening
//   requested    start          refuse          refuse            refuse        refuse
//                  → starting
//   prepared     -              close           give_up           -             serve_again
//                                 → closing       → reopening                     → serving
//   took_over    -              give_up         give_up           -             finish
//                                 → serving       → reopening                     → over
//   failed       -              give_up         give_up           -             serve_again
//                                 → serving       → reopening                     → serving
//   closed       -              -               open              serve_again   -
//                                                 → opening         → serving
//   abandoned    -              -               end               end           -
//                                                 → over            → over
//   stop         -              give_up         end               end           end
//                                 → serving       → over            → over        → over
//
//   "-" cannot happen: `none`, and the stage stays.
#pragma once

#include <cstdint>

namespace ledge::daemon {

enum class UpgradeStage : std::uint8_t {
    serving,    // no upgrade is under way
    starting,   // the new broker reads its configuration; the old one serves
    closing,    // the old broker ends its connections and closes the store
    reopening,  // as closing, but the new broker has failed: the old one serves again when the store is closed
    opening,    // the new broker opens the store; nobody serves, connections wait in the kernel
    over,       // the old broker ends
};

enum class UpgradeEvent : std::uint8_t {
    requested,  // somebody asks for an upgrade
    prepared,   // the new broker has checked what it can without the store
    took_over,  // the new broker serves
    failed,     // the new broker has ended, says something else, or takes too long
    closed,     // the old broker has closed the store
    abandoned,  // the disk did not finish a commit, so the store stays open in this process
    stop,       // somebody asks the old broker to stop
};

enum class UpgradeStep : std::uint8_t {
    none,
    start,        // start the new broker
    refuse,       // an upgrade is under way already
    close,        // end the connections and close the store
    give_up,      // kill the new broker
    open,         // tell the new broker that the store is closed
    serve_again,  // kill the new broker, open the store again and serve
    finish,       // the new broker serves: end with status 0
    end,          // kill the new broker, and end
};

/// The step that an event causes. Changes `stage` to the stage that follows.
UpgradeStep advance(UpgradeStage& stage, UpgradeEvent event);

}  // namespace ledge::daemon
