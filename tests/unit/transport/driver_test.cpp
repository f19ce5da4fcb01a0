#include "ledge/transport/driver.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::transport {
namespace {

using broker::say;
using broker::say_by_reference;
using session::Connection;

/// Bytes whose place can be told from their value.
std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    return text;
}

/// A rig with one connected client.
struct Pair {
    explicit Pair(const DriverLimits& limits = {}) : rig(limits), client(Client::to_port(rig.listen_tcp())) {
        REQUIRE(rig.until([&] { return rig.core.open.size() == 1; }));
        connection = rig.core.open.front();
    }
    Rig rig;
    Client client;
    Connection* connection;
};

/// Less room in the kernel, so that "the peer does not read" comes soon.
void shrink_buffers(Client& client) {
    const int bytes = 128 * 1024;
    REQUIRE(::setsockopt(client.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
}

std::size_t unread(const Client& client) {
    int bytes = 0;
    REQUIRE(::ioctl(client.descriptor, FIONREAD, &bytes) == 0);
    return static_cast<std::size_t>(bytes);
}

TEST_CASE("bytes reach the shard in order, whatever the reads are, and answers come back in order") {
    Pair pair;
    pair.rig.core.on_bytes = [](Connection& connection, Bytes bytes) { say(connection, as_text(bytes)); };
    const std::string text = pattern(1'000'000);
    std::size_t sent = 0;
    CHECK(pair.rig.until([&] {
        if (sent < text.size()) sent += pair.client.send(std::string_view(text).substr(sent, 7001));
        pair.client.read();
        return pair.client.received.size() == text.size();
    }));
    CHECK((pair.client.received == text));  // too long to be printed
    CHECK(pair.rig.core.closed == 0);
}

TEST_CASE("a connection is read once a turn, at most 64 KiB, and a second one is not kept waiting") {
    Pair pair;
    Client other = Client::to_port(pair.rig.listen_tcp());
    REQUIRE(pair.rig.until([&] { return pair.rig.core.open.size() == 2; }));
    const std::string text = pattern(200'000);
    REQUIRE(pair.client.send(text) > Driver::read_bytes_max);
    other.send("hello");
    std::map<Connection*, std::vector<std::size_t>> reads;
    pair.rig.core.on_bytes = [&](Connection& connection, Bytes bytes) { reads[&connection].push_back(bytes.size()); };
    REQUIRE(pair.rig.turn() == 2);
    CHECK(reads[pair.rig.core.open[1]] == std::vector<std::size_t>{5});
    REQUIRE(reads[pair.connection].size() == 1);
    CHECK(reads[pair.connection][0] <= Driver::read_bytes_max);
}

TEST_CASE("what a turn owes to a connection leaves with one send") {
    Pair pair;
    pair.rig.core.on_bytes = [](Connection& connection, Bytes) {
        for (int i = 0; i < 100; ++i) say(connection, "0123456789");
    };
    pair.client.send("x");
    REQUIRE(pair.rig.until([&] { return unread(pair.client) > 0; }));
    pair.client.read();
    CHECK(pair.client.received.size() == 1000);
}

TEST_CASE("the bytes that the kernel has taken count for the listener, and those that still wait do not") {
    Pair pair;
    shrink_buffers(pair.client);
    const std::string text = pattern(8'000'000);
    pair.rig.core.on_bytes = [&](Connection& connection, Bytes) { say(connection, text); };
    pair.client.send("x");
    REQUIRE(pair.rig.until([&] { return pair.rig.core.counters.bytes_sent > 0; }));
    CHECK(pair.rig.core.counters.bytes_sent == text.size() - pair.connection->outbox().size());
    CHECK(pair.rig.core.counters.bytes_sent < text.size());
    REQUIRE(pair.rig.until([&] {
        pair.client.read();
        return pair.client.received.size() == text.size();
    }));
    CHECK(pair.rig.core.counters.bytes_sent == text.size());
}

TEST_CASE("copied frames and referenced payloads are gathered in order, more of them than one call takes") {
    Pair pair;
    std::string expected;
    for (std::size_t i = 0; i < 300; ++i) {
        const std::string head = "<" + std::to_string(i) + ">";
        const std::string payload = pattern(1500 + i);
        say(*pair.connection, head);
        say_by_reference(*pair.connection, Blob::copy_of(as_bytes(payload)));
        expected += head + payload;
    }
    CHECK(pair.rig.until([&] {
        pair.client.read();
        return pair.client.received.size() == expected.size();
    }));
    CHECK((pair.client.received == expected));
}

TEST_CASE("a large outbox waits for a slow reader without waking up, goes on when he reads, and says that it drained") {
    Pair pair;
    shrink_buffers(pair.client);
    const std::string text = pattern(16'000'000);
    say(*pair.connection, text);
    pair.rig.turn();
    REQUIRE(!pair.connection->outbox().empty());
    CHECK(pair.rig.core.drained == 0);
    while (pair.rig.turn() > 0) {  // until the kernel's buffers are full
    }
    CHECK(pair.rig.poller->poll(0) == 0);

    const std::size_t left = pair.connection->outbox().size();
    say(*pair.connection, "!");
    pair.rig.turn();
    CHECK(pair.connection->outbox().size() == left + 1);  // nothing is tried while the socket is full

    CHECK(pair.rig.until([&] {
        pair.client.read();
        return pair.client.received.size() == text.size() + 1;
    }));
    CHECK((pair.client.received == text + "!"));  // too long to be printed
    CHECK(pair.rig.core.drained == 1);
    CHECK(pair.rig.poller->poll(0) == 0);  // nobody waits for a writable socket any more
}

TEST_CASE("a backlog that never ends does not keep the turn from ending") {
    Pair pair;
    const std::string text = pattern(100'000);
    std::size_t said = 0;
    pair.rig.core.on_drained = [&](Connection& connection) {
        say(connection, text);
        said += text.size();
    };
    say(*pair.connection, "x");
    pair.rig.turn();  // returns
    CHECK(said <= 2 * text.size());
    CHECK(pair.rig.until([&] {
        pair.client.read();
        return pair.client.received.size() > 5'000'000;
    }));
    CHECK(pair.rig.core.drained > 10);
}

TEST_CASE("a closing connection delivers its last bytes, then FIN, although the peer's input was never read") {
    Pair pair;
    pair.rig.core.on_bytes = [](Connection& connection, Bytes) {
        say(connection, "refused");
        connection.close_silently();
    };
    pair.client.send("CONNECT");
    REQUIRE(pair.rig.until([&] { return pair.rig.core.closed == 1; }));
    CHECK(pair.rig.driver.link_count() == 1);  // lingers
    pair.client.send(pattern(50'000));         // meets a connection that is gone
    pair.rig.turn();
    pair.rig.turn();
    pair.client.read();
    pair.client.read();
    CHECK(pair.client.received == "refused");
    CHECK(pair.client.is_ended);
    CHECK(!pair.client.is_reset);
    pair.client.finish();
    CHECK(pair.rig.until([&] { return pair.rig.driver.link_count() == 0; }));
    CHECK(pair.rig.core.closed == 1);
    CHECK(pair.rig.driver.next_deadline() == never);
}

TEST_CASE("lingering ends after its time, with or without the peer") {
    Pair pair({.linger_time_max = 1s});
    pair.connection->close_silently();
    pair.rig.turn();
    CHECK(pair.rig.core.closed == 1);
    CHECK(pair.rig.driver.link_count() == 1);
    CHECK(pair.rig.driver.next_deadline() == pair.rig.driver.now() + 1s);
    pair.rig.advance(999ms);
    CHECK(pair.rig.driver.link_count() == 1);
    pair.rig.advance(1ms);
    CHECK(pair.rig.driver.link_count() == 0);
    CHECK(pair.rig.core.closed == 1);
}

TEST_CASE("lingering ends when the peer goes on sending") {
    Pair pair({.linger_bytes_max = 100'000});
    pair.connection->close_silently();
    pair.rig.turn();
    REQUIRE(pair.rig.driver.link_count() == 1);
    const std::string text = pattern(10'000);
    CHECK(pair.rig.until([&] {
        pair.client.send(text);
        return pair.rig.driver.link_count() == 0;
    }));
}

TEST_CASE("of too many lingering links the oldest is closed") {
    Rig rig({.linger_links_max = 3});
    const std::uint16_t port = rig.listen_tcp();
    std::vector<Client> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(Client::to_port(port));
    REQUIRE(rig.until([&] { return rig.core.open.size() == 5; }));
    for (Connection* connection : rig.core.open) connection->close_silently();
    rig.turn();
    CHECK(rig.core.closed == 5);
    CHECK(rig.driver.link_count() == 3);
}

TEST_CASE("a closing connection whose last bytes nobody takes is closed hard after its time") {
    Pair pair({.unsent_time_max = 5s});
    shrink_buffers(pair.client);
    say(*pair.connection, pattern(16'000'000));
    pair.connection->close_silently();
    while (pair.rig.turn() > 0) {
    }
    REQUIRE(pair.rig.core.closed == 0);
    pair.client.send("ignored");
    CHECK(pair.rig.turn() == 1);
    CHECK(pair.rig.driver.next_deadline() == pair.rig.driver.now() + 5s);
    pair.rig.advance(5s);
    CHECK(pair.rig.core.closed == 1);
    CHECK(pair.rig.driver.link_count() == 0);
}

TEST_CASE("a closing connection whose last bytes are taken in time ends in order") {
    Pair pair;
    shrink_buffers(pair.client);
    const std::string text = pattern(16'000'000);
    say(*pair.connection, text);
    pair.connection->close_silently();
    pair.rig.turn();
    REQUIRE(pair.rig.core.closed == 0);
    CHECK(pair.rig.until([&] {
        pair.client.read();
        return pair.client.is_ended;
    }));
    CHECK((pair.client.received == text));  // too long to be printed
    CHECK(pair.rig.core.closed == 1);
}

TEST_CASE("a connection that begins to close while it waits for its reader sends the rest first") {
    Pair pair;
    shrink_buffers(pair.client);
    const std::string text = pattern(16'000'000);
    say(*pair.connection, text);
    pair.rig.turn();
    REQUIRE(!pair.connection->outbox().empty());
    say(*pair.connection, "bye");
    pair.connection->close_silently();
    pair.rig.turn();
    CHECK(pair.rig.core.closed == 0);
    CHECK(pair.rig.until([&] {
        pair.client.read();
        return pair.client.is_ended;
    }));
    CHECK((pair.client.received == text + "bye"));  // too long to be printed
}

TEST_CASE("a peer that resets, ends or half-closes is reported once") {
    Pair pair;
    SUBCASE("reset") { pair.client.reset(); }
    SUBCASE("FIN") { pair.client.finish(); }
    SUBCASE("reset while it is owed bytes") {
        shrink_buffers(pair.client);
        say(*pair.connection, pattern(16'000'000));
        pair.rig.turn();
        pair.client.reset();
    }
    SUBCASE("bytes, then FIN in the same moment: the bytes come first") {
        std::string seen;
        pair.rig.core.on_bytes = [&](Connection&, Bytes bytes) { seen += as_text(bytes); };
        pair.client.send("last words");
        pair.client.finish();
        REQUIRE(pair.rig.until([&] { return pair.rig.core.closed == 1; }));
        CHECK(seen == "last words");
    }
    CHECK(pair.rig.until([&] { return pair.rig.core.closed == 1; }));
    CHECK(pair.rig.driver.link_count() == 0);
    CHECK(pair.rig.poller->poll(0) == 0);
    CHECK(pair.rig.core.closed == 1);
}

TEST_CASE("one connection's event may close another whose event waits in the same batch") {
    Rig rig;
    const std::uint16_t port = rig.listen_tcp();
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(Client::to_port(port));
    REQUIRE(rig.until([&] { return rig.core.open.size() == 10; }));
    int heard = 0;
    rig.core.on_bytes = [&](Connection& speaker, Bytes) {  // takeover of everybody else
        ++heard;
        for (Connection* other : rig.core.open) {
            if (other != &speaker) other->close_silently();
        }
    };
    for (Client& client : clients) client.send("mine");
    REQUIRE(rig.turn() == 10);
    CHECK(heard == 1);
    CHECK(rig.core.open.size() == 1);
    CHECK(rig.core.closed == 9);
}

TEST_CASE("a link that is lost in the middle of a batch is not served by its later event") {
    Rig rig;
    const std::uint16_t port = rig.listen_tcp();
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(Client::to_port(port));
    REQUIRE(rig.until([&] { return rig.core.open.size() == 10; }));
    int heard = 0;
    rig.core.on_bytes = [&](Connection& speaker, Bytes) {
        ++heard;
        while (rig.core.open.size() > 1) {
            Connection* other = rig.core.open.front() == &speaker ? rig.core.open.back() : rig.core.open.front();
            rig.driver.lost(*static_cast<Link*>(other->link()));
        }
    };
    for (Client& client : clients) client.send("mine");
    REQUIRE(rig.turn() == 10);
    CHECK(heard == 1);
    CHECK(rig.driver.link_count() == 1);
}

/// Pauses its client at each read; reads again when it is told.
struct Paused {
    explicit Paused(Rig& rig) {
        rig.core.limits.messages_per_second = 1;
        rig.core.on_bytes = [this, &rig](Connection& connection, Bytes bytes) {
            text += as_text(bytes);
            connection.read_rate()->pause(rig.clock.now());
        };
    }
    void resume(Rig& rig, Connection& connection) {
        connection.read_rate()->resume();
        connection.mark_dirty();
        rig.driver.flush();
    }
    std::string text;
};

TEST_CASE("a connection whose client is too fast is not read, may be written, and is read again when it is told") {
    Rig rig;
    Paused paused(rig);
    Client client = Client::to_port(rig.listen_tcp());
    client.send("first");
    REQUIRE(rig.until([&] { return paused.text == "first"; }));
    Connection& connection = *rig.core.open.front();
    client.send("second");
    CHECK(rig.turn(20) == 0);
    say(connection, "answer");
    rig.driver.flush();
    CHECK(rig.until([&] { return client.read() > 0; }));
    CHECK(client.received == "answer");
    paused.resume(rig, connection);
    CHECK(rig.until([&] { return paused.text == "firstsecond"; }));
}

TEST_CASE("a peer that leaves while it is not read costs no turns; what it had sent is read, then its end") {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("ledge-" + std::to_string(::getpid()) + ".sock")).string();
    Rig rig;
    Paused paused(rig);
    Endpoint endpoint;
    SUBCASE("TCP") { endpoint.port = 0; }
    SUBCASE("Unix") {
        endpoint.kind = Endpoint::Kind::unix_socket;
        endpoint.path = path;
    }
    const std::string address = rig.listen(endpoint);
    {
        Client client =
            endpoint.path.empty()
                ? Client::to_port(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))))
                : Client::to_path(path);
        client.send("first");
        REQUIRE(rig.until([&] { return paused.text == "first"; }));
        client.send("second");
    }
    rig.turn(20);
    CHECK(rig.turn(20) == 0);
    CHECK(rig.core.closed == 0);
    paused.resume(rig, *rig.core.open.front());
    CHECK(rig.until([&] { return paused.text == "firstsecond"; }));
    CHECK(rig.core.closed == 0);
    paused.resume(rig, *rig.core.open.front());
    CHECK(rig.until([&] { return rig.core.closed == 1; }));
}

TEST_CASE("a connection that closes while it is not read lingers, and its peer's end is seen") {
    Rig rig;
    Paused paused(rig);
    Client client = Client::to_port(rig.listen_tcp());
    client.send("first");
    REQUIRE(rig.until([&] { return paused.text == "first"; }));
    rig.core.open.front()->close_silently();
    rig.driver.flush();
    CHECK(rig.core.closed == 1);
    CHECK(rig.until([&] { return client.read(), client.is_ended; }));
    client.finish();
    CHECK(rig.until([&] { return rig.driver.link_count() == 0; }));
}

TEST_CASE("close_all closes what is open, unsent and lingering") {
    Rig rig;
    const std::uint16_t port = rig.listen_tcp();
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(Client::to_port(port));
    for (Client& client : clients) shrink_buffers(client);
    REQUIRE(rig.until([&] { return rig.core.open.size() == 3; }));
    rig.core.open[1]->close_silently();
    say(*rig.core.open[2], pattern(16'000'000));
    rig.core.open[2]->close_silently();
    rig.turn();
    CHECK(rig.core.closed == 1);
    CHECK(rig.driver.link_count() == 3);
    rig.driver.close_all();
    CHECK(rig.core.closed == 3);
    CHECK(rig.driver.link_count() == 0);
}

}  // namespace
}  // namespace ledge::transport
