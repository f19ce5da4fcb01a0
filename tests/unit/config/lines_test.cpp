// [listeners.NAME.lines]: every complaint, and what `ledgemq check` says.
#include <doctest/doctest.h>

#include <string>

#include "helpers.hpp"

namespace ledge::config {
namespace {

/// A listener with the lines `keys` in its section and `more` in [listeners.m.lines], whose topic is line 5.
std::string listener_text(const std::string& more = "", const std::string& keys = "") {
    return "[listeners.m]\nurl = 'serial:/dev/ttyM'\nmode = 'lines'\n" + keys + "[listeners.m.lines]\ntopic = 'a/b'\n" +
           more;
}

ListenerSocket one_listener(const std::string& toml) {
    const Loaded loaded = load_text(toml);
    CHECK(lines_of(loaded) == std::vector<std::string>{});
    REQUIRE(loaded.config.sockets.size() == 1);
    return loaded.config.sockets.front();
}

/// The only complaint.
std::string complaint(const std::string& toml) {
    const std::vector<std::string> all = lines_of(load_text(toml));
    CHECK_MESSAGE(all.size() == 1, toml);
    return all.empty() ? "" : all.front();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("all keys of a serial listener of lines are read") {
    const ListenerSocket socket = one_listener(listener_text(
        "qos = 2\nretain = true\ncommand_topic = 'c'\nstate_topic = 's'\nline_end = 'crlf'\nline_bytes_max = 80\n"
        "lines_per_second = 5\nlines_waiting_max = 10\nignore_prefix = '#'\njson_topic_member = 'id'\n"
        "json_topic_slashes = true\njson_members = 'topics'\nunparsed = 'drop'\n"));
    CHECK(socket.mode == ListenerMode::lines);
    lines::Options wanted;
    wanted.topic = "a/b";
    wanted.qos = wire::QoS::exactly_once;
    wanted.retain = wanted.json_topic_slashes = true;
    wanted.command_topic = "c";
    wanted.state_topic = "s";
    wanted.line_end = lines::LineEnd::crlf;
    wanted.line_bytes_max = 80;
    wanted.lines_per_second = 5;
    wanted.lines_waiting_max = 10;
    wanted.ignore_prefix = "#";
    wanted.json_topic_member = "id";
    wanted.json_members = lines::Members::topics;
    wanted.unparsed = lines::Unparsed::drop;
    CHECK(socket.lines == wanted);
}

TEST_CASE("a listener of lines prints to the same values") {
    const Loaded loaded = load_text(listener_text("command_topic = 'c'\njson_members = 'topics'\n"));
    const Loaded again = load_text(print(loaded.config));
    CHECK(lines_of(again) == std::vector<std::string>{});
    CHECK(differences(loaded.config, again.config).empty());
}

TEST_CASE("lines need a serial line, a topic, and the mode") {
    CHECK(has(complaint("[listeners.m]\nurl = 'mqtt://127.0.0.1'\nmode = 'lines'\n"), "serial:PATH"));
    CHECK(
        has(complaint("[listeners.m]\nurl = 'udp://127.0.0.1'\nmode = 'lines'\nallow_anonymous = true\n"), "serial:"));
    const std::string missing = complaint("[listeners.m]\nurl = 'serial:/dev/ttyM'\nmode = 'lines'\n");
    CHECK(has(missing, ":3: key 'listeners.m.lines.topic' is missing"));
    CHECK(has(missing, "[listeners.m.lines]"));
    const std::string other = complaint("[listeners.m]\nurl = 'serial:/dev/ttyM'\n[listeners.m.lines]\ntopic = 'a'\n");
    CHECK(has(other, ":4: "));
    CHECK(has(other, "no effect without mode = \"lines\""));
    CHECK(has(complaint("[listeners.m]\nurl = 'serial:/dev/ttyM'\nmode = 'words'\n"), "mqttsn"));
    CHECK(has(complaint(listener_text("", "user = 'u'\n")), "'listeners.m.user' has no effect"));
}

TEST_CASE("a topic that a device may not use is refused, with the line") {
    for (const char* topic : {"+", "a/#", "$SYS/a", "/$x/#"})
        CHECK_MESSAGE(has(complaint("[listeners.m]\nurl = 'serial:/dev/ttyM'\nmode = 'lines'\n[listeners.m.lines]\n"
                                    "topic = '" +
                                    std::string(topic) + "'\n"),
                          ":5: key 'listeners.m.lines.topic' is"),
                      topic);
    CHECK(has(complaint(listener_text("command_topic = 'c/+'\n")), ":6: key 'listeners.m.lines.command_topic'"));
    CHECK(has(complaint(listener_text("state_topic = 's/#'\n")), ":6: key 'listeners.m.lines.state_topic'"));
    CHECK(has(complaint(listener_text("command_topic = '" + std::string(1025, 'x') + "'\n")), "1024"));
}

TEST_CASE("a device cannot command itself, and no topic has two meanings") {
    CHECK(has(complaint(listener_text("command_topic = 'a/b/set'\n")), "could come back as commands"));
    CHECK(has(complaint(listener_text("command_topic = 'a/b'\n")), "could come back as commands"));
    CHECK(one_listener(listener_text("command_topic = 'a/bc'\n")).lines.command_topic == "a/bc");
    CHECK(one_listener(listener_text("command_topic = 'a'\n")).lines.command_topic == "a");
    CHECK(has(complaint(listener_text("state_topic = 'a/b'\n")), "the topic of the lines or of the commands"));
    CHECK(has(complaint(listener_text("command_topic = 'c'\nstate_topic = 'c'\n")), "of the commands"));
    const std::string second =
        "[listeners.n]\nurl = 'serial:/dev/ttyN'\nmode = 'lines'\n[listeners.n.lines]\ntopic = 'a/b'\n";
    CHECK(has(complaint(listener_text() + second), "both \"a/b/$state\""));
    const Loaded both = load_text(listener_text() + second + "state_topic = 'none'\n");
    CHECK(lines_of(both) == std::vector<std::string>{});
}

TEST_CASE("no device can forge the state of its port with JSON") {
    const std::string members = "json_members = 'topics'\n";
    CHECK(has(complaint(listener_text("state_topic = 'a/b/status'\n" + members)), "forge the state"));
    CHECK(has(complaint(listener_text("state_topic = 'a/b/unparsed'\njson_topic_member = 'id'\n")), "forge the state"));
    for (const char* usable : {"a/b/$status", "a/bc", "a/status", "none"})
        CHECK(
            one_listener(listener_text("state_topic = '" + std::string(usable) + "'\n" + members)).lines.state_topic ==
            usable);
    CHECK(one_listener(listener_text("state_topic = 'a/b/status'\n")).lines.state_topic == "a/b/status");
}

TEST_CASE("keys without effect are refused") {
    CHECK(has(complaint(listener_text("json_topic_slashes = true\n")), "json_topic_member"));
    CHECK(has(complaint(listener_text("unparsed = 'drop'\n")), "no line is read as JSON"));
    CHECK(has(complaint(listener_text("ignore_prefix = \"a\\n\"\n")), "control character"));
    CHECK(has(complaint(listener_text("[listeners.m.mqttsn]\ngateway_id = 2\n")), "mqttsn"));
}

TEST_CASE("values outside their range are refused") {
    for (const char* line : {"qos = 3", "line_bytes_max = 0", "line_bytes_max = 16385", "lines_waiting_max = 0",
                             "line_end = 'lfcr'", "json_members = 'all'", "topics = 1"})
        CHECK_MESSAGE(has(complaint(listener_text(std::string(line) + "\n")), ":6: "), line);
}

TEST_CASE("check explains a listener of lines in a sentence") {
    CHECK(explain_lines(one_listener(listener_text())) ==
          "each line is published on a/b with QoS 1; the device gets no commands; a/b/$state says whether the port is "
          "open");
    CHECK(explain_lines(one_listener(listener_text("qos = 0\nretain = true\ncommand_topic = 'c'\nstate_topic = 'none'\n"
                                                   "json_topic_member = 'id'\njson_members = 'topics'\n"))) ==
          "each member of a line of JSON is published on a/b/VALUE/MEMBER (VALUE: of the member \"id\") with QoS 0, "
          "retained, other lines on a/b/unparsed; messages on c are written to the device");
    CHECK(has(explain_lines(one_listener(listener_text("json_topic_member = 'id'\nunparsed = 'drop'\n"))),
              "each line is published on a/b/VALUE (VALUE: of the member \"id\") with QoS 1, other lines are dropped"));
}

}  // namespace
}  // namespace ledge::config
