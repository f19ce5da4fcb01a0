#include "ledge/uplink/relay_log.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "ledge/base/log_events.hpp"

namespace ledge::uplink {
namespace {

using bridge::RelayEvent;
using Kind = RelayEvent::Kind;

void keep_line(void* lines, const LogRecord& record) {
    CHECK(mismatch_with_table(record) == "");
    std::string line;
    format_text(record, line);
    static_cast<std::vector<std::string>*>(lines)->push_back(std::move(line));
}

struct Written {
    std::vector<std::string> lines;
    Log log{LogLevel::debug, keep_line, &lines};
    RelayLog relay_log{log, "cloud", 10s};
    Instant now = Instant{} + 1h;

    void tells(Kind kind) { relay_log.tell({kind, "a/b", wire::ReasonCode::quota_exceeded, "because"}, now); }
};

TEST_CASE("lines about single messages have a pause, and the next line counts the ones left out") {
    Written w;
    for (int i = 0; i < 5; ++i) w.tells(Kind::refused);
    w.tells(Kind::dropped);  // another kind has a pause of its own
    REQUIRE(w.lines.size() == 2);
    CHECK(w.lines[0].find("problem=refused topic=a/b code=151 reason=because skipped=0") != std::string::npos);
    w.now += 10s;
    w.tells(Kind::refused);
    REQUIRE(w.lines.size() == 3);
    CHECK(w.lines[2].find("skipped=4") != std::string::npos);
}

TEST_CASE("filters and the upstream's behaviour are told each time") {
    Written w;
    w.tells(Kind::filter_refused);
    w.tells(Kind::filter_refused);
    w.tells(Kind::upstream_session_lost);
    CHECK(w.lines.size() == 3);
}

TEST_CASE("the owner writes the lines about the life of the connection") {
    Written w;
    for (const Kind kind : {Kind::connected, Kind::relaying, Kind::proven, Kind::ended}) w.tells(kind);
    CHECK(w.lines.empty());
}

}  // namespace
}  // namespace ledge::uplink
