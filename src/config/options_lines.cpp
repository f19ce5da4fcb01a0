// The options of a serial listener with mode = "lines": [listeners.NAME.lines]. lines.cpp checks them.
#include "option_rows.hpp"
#include "options.hpp"

namespace ledge::config {
namespace {

/// A row of [listeners.NAME.lines].
template <auto Member>
constexpr Option line(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::listener, &ListenerDraft::lines, Member>("lines", name, unit, range, help);
}

constexpr Option lines_rows[] = {
    line<&lines::Options::topic>("topic", "", {},
                                 "The topic on which the lines of the device are published, for example "
                                 "\"plant/meter/raw\". Required with mode = \"lines\"."),
    line<&lines::Options::qos>("qos", "", {0, 2},
                               "The QoS of these messages. With 1 or 2 a line waits until the broker has accepted it."),
    line<&lines::Options::retain>("retain", "", {},
                                  "Whether the last message of each topic is kept for later subscribers."),
    line<&lines::Options::command_topic>(
        "command_topic", "", {},
        "The topic whose messages are written to the device, each as one line. \"\" = none. A message with a line end "
        "inside is dropped. While the port is closed, messages of QoS 1 and 2 wait in the queue of the listener's "
        "session (limits.queue_messages_max), unless they expire. A retained message is no command."),
    line<&lines::Options::state_topic>(
        "state_topic", "", {},
        "The topic that says, retained, whether the port is open: online or offline. \"\" = $state below topic; none = "
        "no such topic."),
    line<&lines::Options::line_end>(
        "line_end", "", {},
        "What follows each command. lf: line feed. crlf: carriage return and line feed. cr: carriage return. A line of "
        "the device may end in any of them."),
    // The limit keeps noise without a line end from growing in memory.
    line<&lines::Options::line_bytes_max>(
        "line_bytes_max", "bytes", {1, 16'384},
        "The longest line in bytes, in both directions, without its end. A longer line is dropped up to its end."),
    line<&lines::Options::lines_per_second>(
        "lines_per_second", "lines", {0, 1'000'000},
        "Lines of the device per second, on average; 0 = unlimited. Further lines are dropped."),
    line<&lines::Options::lines_waiting_max>(
        "lines_waiting_max", "messages", {1, 1'000'000},
        "Messages made of lines that may wait until the broker accepts them, at most 1 MiB. Then the oldest one is "
        "dropped for each new one."),
    line<&lines::Options::ignore_prefix>(
        "ignore_prefix", "", {},
        "Lines that begin with this text are left out, for example \"#\" for comments. \"\" = none are."),
    line<&lines::Options::json_topic_member>(
        "json_topic_member", "", {},
        "If each line is a JSON object, the name of the member whose value becomes the last level of the topic, for "
        "example \"sensor\": the line {\"sensor\": \"hall\"} is then published on TOPIC/hall. The value is a text of "
        "at "
        "most 64 bytes or a whole number. \"\" = no such member."),
    // Without this key a device cannot choose a topic outside the one level that the operator has left to the device.
    line<&lines::Options::json_topic_slashes>(
        "json_topic_slashes", "", {}, "Whether that value may contain '/', and so be several levels of the topic."),
    line<&lines::Options::json_members>(
        "json_members", "", {},
        "What is published of a line with a JSON object. payload: the whole line. topics: each member on its own "
        "topic, "
        "TOPIC/MEMBER; texts without their quotes, all other values as they are written."),
    line<&lines::Options::unparsed>("unparsed", "", {},
                                    "What becomes of a line that is no such JSON object. publish: the line is "
                                    "published on TOPIC/unparsed. drop: it "
                                    "is dropped. Both are counted."),
};

}  // namespace

std::span<const Option> lines_options() { return lines_rows; }

}  // namespace ledge::config
