// The passwords of an uplink: how they are made, when they are made anew, and what happens when that fails.
#include <mutex>
#include <utility>
#include <vector>

#include "ledge/os/program.hpp"
#include "ledge/uplink/uplink.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

using State = Uplink::State;
using Texts = std::vector<std::string>;

/// A hook that the tests script: it gives "password N" to the Nth call. A slow hook is called on another thread.
class Script {
public:
    explicit Script(Duration valid_for) : valid_for_(valid_for) {}

    void fails(std::string problem, bridge::RetryClass kind = bridge::RetryClass::network) {
        const std::lock_guard lock(mutex_);
        problem_ = {std::move(problem), kind, "this service is closed on Sundays"};
    }
    void works() { fails(""); }
    int calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    PasswordResult make() {
        const std::lock_guard lock(mutex_);
        ++calls_;
        if (!problem_.reason.empty()) return Failure{problem_};
        const std::string text = "password " + std::to_string(calls_);
        return Password{Secret(as_bytes(text)), valid_for_, "made by a test", "this token is old-fashioned"};
    }

private:
    const Duration valid_for_;
    mutable std::mutex mutex_;  // guards what follows
    PasswordProblem problem_;   // of the next calls; the reason "" = none
    int calls_ = 0;
};

/// Both kinds of hooks behave alike, so many tests run with both.
struct PasswordRig : Rig {
    explicit PasswordRig(bool is_slow, Duration valid_for = {}, std::size_t servers = 1)
        : Rig(servers), script(valid_for) {
        options.password = {[this](const os::ProgramStop&) { return script.make(); }, is_slow};
    }
    ~PasswordRig() { uplink.reset(); }  // before the script
    FakeUpstream& upstream() { return upstreams.front(); }
    /// Seconds, one after the other.
    void passes_seconds(int count) {
        for (int i = 0; i < count; ++i) passes(1s);
    }

    Script script;
};

TEST_CASE("each connection has a new password") {
    for (const bool is_slow : {false, true}) {
        CAPTURE(is_slow);
        PasswordRig rig(is_slow);
        rig.runs();
        CHECK(rig.upstream().passwords == Texts{"password 1"});
        rig.upstream().hangs_up();
        REQUIRE(rig.until_state(State::pausing));
        rig.passes(1s);
        REQUIRE(rig.until_relaying());
        CHECK(rig.upstream().passwords == Texts{"password 1", "password 2"});
        rig.passes(59s);
        CHECK(rig.upstream().passwords.size() == 2);  // it has no end
    }
}

TEST_CASE("without a password there is no connection: the attempt has failed, and the pauses grow") {
    for (const bool is_slow : {false, true}) {
        CAPTURE(is_slow);
        PasswordRig rig(is_slow);
        rig.script.fails("the token service is closed");
        rig.starts();
        Duration longest = 1s;
        for (int attempt = 1; attempt <= 4; ++attempt) {
            REQUIRE(rig.until_state(State::pausing));
            CHECK(rig.script.calls() == attempt);
            const Duration pause = rig.uplink->retry_at() - rig.driver.now();
            CHECK(pause <= longest);
            CHECK(pause >= longest / 2);
            longest *= 2;
            if (attempt == 4) rig.script.works();
            rig.passes(pause);
        }
        CHECK(rig.uplink->last_problem() == "the token service is closed");
        CHECK(rig.has_logged("bridge_unreachable"));
        CHECK(rig.has_logged("the token service is closed"));
        CHECK(rig.until_relaying());
        CHECK(rig.upstream().passwords == Texts{"password 5"});
    }
}

TEST_CASE("a mistake that only an operator can correct makes the pauses minutes") {
    PasswordRig rig(true);
    rig.script.fails("/etc/password cannot be read", bridge::RetryClass::operator_needed);
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.uplink->retry_at() - rig.driver.now() >= 1min);
}

TEST_CASE("while a password is made, the loop may sleep, and the end of the making wakes it") {
    PasswordRig rig(true);
    rig.starts();
    CHECK(rig.uplink->state() == State::connecting);
    CHECK(rig.uplink->next_deadline() == never);
    CHECK(rig.until_relaying());
}

TEST_CASE("what a program has written to its standard error is logged, and no password is") {
    PasswordRig rig(true);
    rig.runs();
    CHECK(rig.has_logged("bridge_password_remark"));
    CHECK(rig.has_logged("this token is old-fashioned"));
    CHECK_FALSE(rig.has_logged("password 1"));
}

TEST_CASE("after a failure this is logged as well, and is no part of the reason that is published") {
    PasswordRig rig(true);
    rig.script.fails("the password command has ended with status 3");
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("bridge_password_remark"));
    CHECK(rig.has_logged("closed on Sundays"));
    CHECK(rig.uplink->last_problem() == "the password command has ended with status 3");
}

TEST_CASE("a stop ends the program that makes a password") {
    Rig rig;
    rig.options.password = {[](const os::ProgramStop& stop) -> PasswordResult {
                                const auto result = os::run_program({"/bin/sleep", "1000"}, {.time_max = 1h}, stop);
                                return Failure{PasswordProblem{result.problem, bridge::RetryClass::network}};
                            },
                            true};
    rig.starts();
    rig.turn();
    CHECK(rig.uplink->state() == State::connecting);
    rig.uplink->stop(rig.driver.now());
    CHECK(rig.uplink->state() == State::stopped);
    CHECK(rig.upstreams.front().accepted == 0);
}

TEST_CASE("shortly before a password ends, the bridge connects again with the next one, without a pause") {
    for (const bool is_slow : {false, true}) {
        CAPTURE(is_slow);
        PasswordRig rig(is_slow, 100s);
        client::WillOptions will;
        will.topic = "gw/state";
        rig.options.relay.will = will;
        rig.runs();
        rig.passes_seconds(89);
        CHECK(rig.script.calls() == 1);
        CHECK(rig.upstream().accepted == 1);
        rig.passes_seconds(6);
        REQUIRE(rig.until([&] { return rig.upstream().passwords.size() == 2; }));
        REQUIRE(rig.until_relaying());
        CHECK(rig.upstream().passwords.back() == "password 2");
        CHECK(rig.upstream().count("DISCONNECT") == 1);
        CHECK(rig.upstream().has("DISCONNECT disconnect_with_will"));  // the next CONNECT cancels the delayed will
        CHECK_FALSE(rig.upstream().has("PUBLISH gw/state"));
        CHECK(rig.has_logged("the password ends soon, and the bridge connects again with a new one"));
        CHECK_FALSE(rig.has_logged("bridge_unreachable"));
        rig.passes_seconds(96);
        CHECK(rig.until([&] { return rig.upstream().passwords.size() == 3; }));
    }
}

TEST_CASE("a bridge that is stopped during a planned reconnect does not come back, and its will is due") {
    PasswordRig rig(false, 100s);
    rig.options.relay.will = client::WillOptions{"gw/state", "0", wire::QoS::at_most_once, true, {}};
    rig.runs();
    rig.passes_seconds(88);
    rig.upstream().is_reading = false;  // so DISCONNECT lingers
    while (rig.uplink->relay().stage() == bridge::Relay::Stage::relaying) {
        REQUIRE(rig.uplink->next_deadline() != never);
        rig.passes(100ms);
    }
    CHECK(rig.uplink->state() == State::open);
    rig.uplink->stop(rig.driver.now());
    rig.upstream().is_reading = true;
    REQUIRE(rig.until_state(State::stopped));
    CHECK(rig.until([&] { return rig.upstream().has("DISCONNECT"); }));
    CHECK(rig.upstream().has("DISCONNECT disconnect_with_will"));
    CHECK(rig.upstream().accepted == 1);
}

TEST_CASE("if the next password cannot be made, the connection stays, and the bridge tries again") {
    PasswordRig rig(false, 100s);
    rig.runs();
    rig.script.fails("the token service is closed");
    rig.passes_seconds(99);
    CHECK(rig.script.calls() > 2);
    CHECK(rig.script.calls() < 10);
    CHECK(rig.has_logged("bridge_password_problem"));
    CHECK(rig.upstream().accepted == 1);
    CHECK(rig.uplink->relay().stage() == bridge::Relay::Stage::relaying);
    SUBCASE("with success") {
        rig.script.works();
        rig.passes(1s);
        CHECK(rig.until([&] { return rig.upstream().passwords.size() == 2; }));
        CHECK(rig.until_relaying());
    }
    SUBCASE("until the end of the present one; then the upstream decides") {
        rig.passes(10s);
        const int calls = rig.script.calls();
        rig.passes_seconds(100);
        CHECK(rig.script.calls() == calls);
        CHECK(rig.upstream().accepted == 1);
        rig.script.works();
        rig.upstream().hangs_up();
        REQUIRE(rig.until_state(State::pausing));
        CHECK(rig.uplink->retry_at() - rig.driver.now() <= 1s);
        rig.passes(1s);
        CHECK(rig.until_relaying());
    }
}

/// The upstream leaves a message unanswered, and closes `closes` connections, each after `lasted`.
void closes_connections(PasswordRig& rig, int closes, Duration lasted) {
    FakeUpstream& upstream = rig.upstream();
    rig.options.relay.poison_attempts = 2;
    rig.runs();
    upstream.acknowledges = false;
    rig.local->publishes("plant/a", "1");
    REQUIRE(rig.until([&] { return upstream.has("PUBLISH site/plant/a"); }));
    for (int connection = 1; connection <= closes; ++connection) {
        rig.script.fails("closed");  // so the bridge does not connect again by itself
        rig.passes(lasted);
        REQUIRE(upstream.accepted == connection);
        upstream.hangs_up();
        REQUIRE(rig.until_state(State::pausing));
        rig.script.works();
        rig.passes(1s);
        REQUIRE(rig.until_relaying());
    }
}

TEST_CASE("an upstream that ends the connection because the password has ended is no reason to blame a message") {
    PasswordRig rig(false, 100s);
    closes_connections(rig, 3, 97s);
    CHECK(rig.until([&] { return rig.upstream().count("PUBLISH site/plant/a") == 4; }));
    CHECK(rig.uplink->relay().counters().dropped == 0);
}

TEST_CASE("an upstream that ends the connection long before that is one") {
    PasswordRig rig(false, 100s);
    closes_connections(rig, 2, 50s);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().dropped == 1; }));
}

TEST_CASE("with a server in reserve, the next password is used at the server in use") {
    PasswordRig rig(true, 100s, 2);
    rig.options.return_first = 1h;
    rig.upstreams[0].stops_listening();
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    rig.passes(1s);
    REQUIRE(rig.until_relaying());
    CHECK(rig.upstreams[1].passwords == Texts{"password 2"});
    rig.passes_seconds(96);
    CHECK(rig.until([&] { return rig.upstreams[1].passwords.size() == 2; }));
    CHECK(rig.until_relaying());
    CHECK(rig.uplink->server() == rig.upstreams[1].server());
}

}  // namespace
}  // namespace ledge::uplink
