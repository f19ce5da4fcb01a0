// MQTT's bytes over TLS between driver and peer.
#include "tls/tls_link.hpp"

#include <doctest/doctest.h>

#include "tls_rig.hpp"

using namespace ledge;
using namespace ledge::transport;
using broker::say;
using broker::say_by_reference;

namespace {

/// A connection on which the core says and hears what the test wants.
struct Connected {
    explicit Connected(TlsRig& of) : rig(of), client(of, of.listen_tls()) {
        rig.core.on_bytes = [this](session::Connection&, Bytes bytes) { heard += as_text(bytes); };
        REQUIRE(client.shakes_hands());
        REQUIRE(rig.until([&] { return rig.core.open.size() == 1; }));
    }
    session::Connection& connection() { return *rig.core.open.front(); }

    TlsRig& rig;
    TlsClient client;
    std::string heard;
};

}  // namespace

TEST_CASE("bytes pass both ways, many writes of a turn in one record") {
    TlsRig rig;
    Connected c(rig);
    c.client.send("hello");
    CHECK(rig.until([&] { return c.heard == "hello"; }));
    for (const char* text : {"a", "bc", "def"}) say(c.connection(), text);
    CHECK(c.client.reads(6) == "abcdef");
}

TEST_CASE("large payloads that are referenced arrive whole and in order") {
    TlsRig rig;
    Connected c(rig);
    std::string expected;
    for (char letter = 'a'; letter < 'f'; ++letter) {
        const std::string text(50'000, letter);
        say(c.connection(), "head");
        say_by_reference(c.connection(), Blob::copy_of(as_bytes(text)));
        expected += "head" + text;
    }
    CHECK(c.client.reads(expected.size()) == expected);
}

TEST_CASE("a peer that does not read is waited for, and gets everything then") {
    TlsRig rig;
    Connected c(rig);
    const std::string text(200'000, 'w');
    std::size_t owed = 0;
    for (int i = 0; i < 100; ++i) {
        say(c.connection(), text);
        owed += text.size();
        rig.turn();
    }
    CHECK(c.connection().outbox().size() > 0);
    CHECK(c.client.reads(owed).size() == owed);
    CHECK(rig.until([&] { return c.connection().outbox().empty(); }));
}

TEST_CASE("a long input in many small records is heard whole") {
    TlsRig rig;
    Connected c(rig);
    std::string sent;
    for (int i = 0; i < 2000; ++i) {
        const std::string text = std::to_string(i) + ";";
        c.client.send(text);
        sent += text;
    }
    c.client.send(std::string(100'000, 'z'));
    CHECK(rig.until([&] { return c.heard == sent + std::string(100'000, 'z'); }));
}

TEST_CASE("the peer's end closes the connection; ours comes with close_notify and FIN after the last bytes") {
    TlsRig rig;
    Connected leaving(rig);
    leaving.client.session->finish();
    CHECK(rig.until([&] { return rig.core.closed == 1; }));
    rig.core.open.clear();

    Connected left(rig);
    say(left.connection(), "goodbye");
    left.connection().close_silently();
    CHECK(left.client.reads(100) == "goodbye");
    CHECK(left.client.is_ended);
}

TEST_CASE("a forged record ends the connection") {
    TlsRig rig;
    Connected c(rig);
    const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
    REQUIRE(::send(c.client.session->descriptor(), forged.data(), forged.size(), 0) == 37);
    CHECK(rig.until([&] { return rig.core.closed == 1; }));
    CHECK(c.heard.empty());
}

TEST_CASE("a link that has been silent rests, and goes on as if it had not") {
    TlsRig rig;
    Connected c(rig);
    for (int i = 0; i < 3; ++i) {
        for (int look = 0; look < 3; ++look) rig.advance(net::IdleBuffers::interval);
        CHECK(rig.fronts[0]->next_deadline() > rig.driver.now());
        c.heard.clear();
        c.client.received.clear();
        c.client.send("are you there");
        CHECK(rig.until([&] { return c.heard == "are you there"; }));
        say(c.connection(), "yes");
        CHECK(c.client.reads(3) == "yes");
        for (int look = 0; look < 3; ++look) rig.advance(net::IdleBuffers::interval);
        c.client.received.clear();
        say(c.connection(), "are you");
        CHECK(c.client.reads(7) == "are you");
    }
}

TEST_CASE("links outlive the listener's front, resting or not") {
    TlsRig rig;
    Connected c(rig);
    for (int look = 0; look < 3; ++look) rig.advance(net::IdleBuffers::interval);
    rig.listeners.clear();
    rig.fronts.clear();
    c.client.send("still");
    CHECK(rig.until([&] { return c.heard == "still"; }));
}
