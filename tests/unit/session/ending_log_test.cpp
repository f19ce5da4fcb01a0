// The list of the last refusals and disconnects has a bound in entries and in bytes.
#include "ledge/session/ending_log.hpp"

#include <doctest/doctest.h>

namespace ledge::session {
namespace {

EndedConnection ending_of(std::string client_id, EndedConnection::Kind kind = EndedConnection::Kind::disconnected) {
    EndedConnection ended;
    ended.kind = kind;
    ended.client_id = std::move(client_id);
    return ended;
}

TEST_CASE("the newest 256 entries stay, with numbers that go on") {
    Instant now{};
    EndingLog log(now);
    for (int i = 1; i <= 300; ++i) {
        now += 1s;
        log.add(ending_of("c" + std::to_string(i)));
    }
    REQUIRE(log.entries().size() == EndingLog::entries_max);
    CHECK(log.entries().front().number == 45);
    CHECK(log.entries().back().number == 300);
    CHECK(log.entries().back().at == now);
    CHECK(log.last_disconnect("c45") != nullptr);
    CHECK(log.last_disconnect("c44") == nullptr);
}

TEST_CASE("long names are cut between two characters, and all texts together have a bound") {
    const Instant now{};
    EndingLog log(now);
    std::string name(EndingLog::text_bytes_max - 1, 'x');
    log.add(ending_of(name + "\xC3\xA4"));  // a character of two bytes, of which only the first would fit
    CHECK(log.entries().back().client_id == name);
    for (int i = 0; i < 300; ++i) {
        EndedConnection ended = ending_of(name);
        ended.detail = ended.rule = ended.user = std::string(100'000, 'y');
        log.add(ended);
    }
    CHECK(log.entries().size() < EndingLog::entries_max);
    CHECK(log.entries().size() * 4 * EndingLog::text_bytes_max <= EndingLog::bytes_max + 4 * EndingLog::text_bytes_max);
}

TEST_CASE("the last disconnect of a client is found, and a refusal is none") {
    Instant now{};
    EndingLog log(now);
    log.add(ending_of("c"));
    now += 1s;
    log.add(ending_of("c"));
    log.add(ending_of("c", EndedConnection::Kind::refused));
    REQUIRE(log.last_disconnect("c") != nullptr);
    CHECK(log.last_disconnect("c")->number == 2);
}

}  // namespace
}  // namespace ledge::session
