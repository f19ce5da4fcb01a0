#include "ledge/base/log_events.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace ledge;

namespace {

std::string mismatch(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    return mismatch_with_table({level, event, {fields.begin(), fields.size()}});
}

bool is_sentence(std::string_view text) {
    return text.size() > 5 && text.front() >= 'A' && text.front() <= 'Z' && text.ends_with('.');
}

}  // namespace

TEST_CASE("the table of events is sorted by name, so that a row is found") {
    CHECK(std::ranges::is_sorted(log_events(), {}, &LogEvent::name));
    for (const LogEvent& event : log_events()) CHECK(find_log_event(event.name) == &event);
    CHECK(find_log_event("no_such_event") == nullptr);
    CHECK(find_log_event("zzz") == nullptr);
}

TEST_CASE("each event says in whole sentences what it means and what to do") {
    for (const LogEvent& event : log_events()) {
        CAPTURE(event.name);
        CHECK(is_sentence(event.meaning));
        CHECK((is_sentence(event.action) || event.action == "Nothing."));
        CHECK(event.meaning.find_first_of("\"\\") == std::string_view::npos);  // they go into JSON as they are
        CHECK(event.action.find_first_of("\"\\") == std::string_view::npos);
    }
}

TEST_CASE("a line is compared with its row: event, level, declared and missing fields") {
    CHECK(mismatch(LogLevel::info, "stopping", {{"signal", 15}}) == "");
    CHECK(mismatch(LogLevel::info, "no_such_event", {}) ==
          "no_such_event: the event is not in the table (src/base/log_events.cpp)");
    CHECK(mismatch(LogLevel::error, "stopping", {{"signal", 15}}) == "stopping: the level 'error' is not declared");
    CHECK(mismatch(LogLevel::info, "stopping", {{"signal", 15}, {"by", "me"}}) ==
          "stopping: the field 'by' is not declared");
    CHECK(mismatch(LogLevel::info, "stopping", {}) == "stopping: the field 'signal' is missing");
}

TEST_CASE("an optional field may be absent, and an event may have several levels") {
    CHECK(mismatch(LogLevel::error, "authentication_hook_down", {{"reason", "x"}}) == "");
    CHECK(mismatch(LogLevel::warning, "authentication_hook_down", {{"host", "h"}, {"port", 1}, {"reason", "x"}}) == "");
}

TEST_CASE("the reference tells each event with its fields, as text and as JSON") {
    std::string text;
    print_log_events(false, text);
    CHECK(text.find("stopping (info)\n    Fields: signal\n    The broker was asked to end") != std::string::npos);
    std::string json;
    print_log_events(true, json);
    CHECK(json.find(R"({"name":"stopping","levels":"info","fields":"signal","meaning":"The broker)") !=
          std::string::npos);
    CHECK(static_cast<std::size_t>(std::ranges::count(json, '\n')) == log_events().size());
}
