// Memory that the system refuses ends the process, and nothing else: what was being changed is half changed, so nobody
// may catch the failure and go on. Each case runs in a process of its own and finds no memory from a chosen point on.
#include <sys/wait.h>
#include <unistd.h>

#include <new>

#include "allocations.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/journal/records.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

constexpr int ended_by_handler = 86;

// Something of everything: sessions, wills, subscriptions, all kinds of messages, a takeover, the store, a restart.
void life(Rig& rig) {
    Wish wish = lasting;
    wish.will = wire::Will{"will", as_bytes(std::string_view("gone")), qos1, true, {}};
    rig["meter"].connects(wish).subscribes("down/#", qos2).subscribes("$share/g/down", qos1);
    rig["lamp"].connects(lasting_v311).subscribes("up/+", qos1).acknowledges();
    rig["slow"].connects(lasting).subscribes("#", qos1).stops_reading();
    for (int i = 0; i < 10; ++i) {
        rig["meter"].publishes("up/" + std::to_string(i), std::string(3000, 'x'), qos1);
        rig["lamp"].publishes("down/" + std::to_string(i), "payload", qos2, i % 2 == 0);
        rig.passes(10ms);
    }
    rig["meter"].loses_connection();
    rig["late"].connects(wish).subscribes("#", qos0);
    rig["lamp"].loses_connection();
    rig["lamp"].connects(lasting_v311).unsubscribes("up/+");
    rig.shard->note_anonymous_memory(1'000'000'000);
    rig.passes(2s);
    rig.restarts();
    rig["slow"].connects(lasting);
}

// How the process ends that finds no memory from its n-th allocation on; 0: it comes to its end.
int end_of_life(std::uint64_t nth) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::set_new_handler([] { ::_exit(ended_by_handler); });
        fail_allocations_from(nth);
        Rig rig(with_budget(16 * mib, stored_options()));
        life(rig);
        ::_exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

TEST_CASE("wherever an allocation fails the process is ended there: nothing catches the failure, nothing runs on") {
    std::uint64_t needed = 0;
    {
        const std::uint64_t before = allocations();
        Rig rig(with_budget(16 * mib, stored_options()));
        life(rig);
        needed = allocations() - before;
    }
    REQUIRE(needed > 1000);
    CHECK(end_of_life(2 * needed) == 0);
    Rng rng(7);
    for (int i = 0; i < 150; ++i) {
        const std::uint64_t nth = 1 + rng.next() % (needed * 9 / 10);
        CAPTURE(nth);
        CHECK(end_of_life(nth) == ended_by_handler);
    }
}

}  // namespace
}  // namespace ledge::broker
