// The options of a serial port whose device sends and receives lines of text: plain values. The configuration fills
// them ([listeners.NAME.lines]); nothing changes them afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/wire/types.hpp"

namespace ledge::lines {

/// The bytes behind each command. A received line may end in any of them, whatever this says.
enum class LineEnd : std::uint8_t {
    lf,    // 0x0A
    crlf,  // 0x0D 0x0A
    cr,    // 0x0D
};

/// What becomes of the members of a line that is a JSON object.
enum class Members : std::uint8_t {
    payload,  // the whole line is the payload of one publication
    topics,   // each member becomes a publication of its own, on a topic below
};

/// What becomes of a line that should be a JSON object with certain members, and is not.
enum class Unparsed : std::uint8_t {
    publish,  // it is published on TOPIC/unparsed
    drop,     // it is dropped and counted
};

/// Below the topic, for lines of Unparsed::publish. No member of JSON can choose this level.
inline constexpr std::string_view unparsed_level = "unparsed";
/// Below the topic, for the state of the port. No member of JSON can choose a level that begins with '$'.
inline constexpr std::string_view state_level = "$state";
/// Instead of a state topic: the state is not published.
inline constexpr std::string_view no_state_topic = "none";

struct Options {
    std::string topic;  // of the lines; a valid topic name
    wire::QoS qos = wire::QoS::at_least_once;
    bool retain = false;
    std::string command_topic;  // whose messages become lines to the device; "" = none
    std::string state_topic;    // "" = TOPIC/$state; no_state_topic = none
    LineEnd line_end = LineEnd::lf;
    std::uint32_t line_bytes_max = 1024;  // of a line in either direction, without its end
    std::uint32_t lines_per_second = 0;   // above it lines are dropped; 0 = unlimited
    std::uint32_t lines_waiting_max =
        1000;                         // lines that the broker has not acknowledged; above it the oldest is dropped
    std::string ignore_prefix;        // lines that begin with this text are left out; "" = none
    std::string json_topic_member;    // the member whose value is the last level of the topic; "" = none
    bool json_topic_slashes = false;  // whether that value may have several levels
    Members json_members = Members::payload;
    Unparsed unparsed = Unparsed::publish;

    /// True: each line should be a JSON object.
    bool wants_json() const { return !json_topic_member.empty() || json_members == Members::topics; }
    /// The topic of the state; "" = none.
    std::string topic_of_state() const {
        if (state_topic == no_state_topic) return {};
        return state_topic.empty() ? topic + "/" + std::string(state_level) : state_topic;
    }

    friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace ledge::lines
