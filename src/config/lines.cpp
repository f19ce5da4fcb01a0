#include "lines.hpp"

#include "ledge/base/quote.hpp"
#include "ledge/topic/name.hpp"
#include "places.hpp"

namespace ledge::config {
namespace {

constexpr std::size_t topic_bytes_max = 1024;

/// Topics have levels: "plant/meter2" is not below "plant/meter".
bool is_at_or_below(std::string_view topic, std::string_view other) {
    return topic.starts_with(other) && (topic.size() == other.size() || topic[other.size()] == '/');
}

/// Checks one listener.
class LineChecks {
public:
    LineChecks(const std::string& prefix, const ListenerDraft& draft, const Endpoint& endpoint,
               const std::map<std::string, std::string>& places, Loaded& loaded)
        : prefix_(prefix), draft_(draft), endpoint_(endpoint), places_(places), loaded_(loaded) {}

    /// Keys without effect are mistakes, since the operator believes that they have one.
    void of_other_mode() {
        if (draft_.lines != lines::Options{})
            complain("lines",
                     "is a section for serial lines of text and has no effect without mode = \"lines\"; add mode "
                     "to [" +
                         prefix_ + "], or remove the section");
    }

    void of_lines() {
        if (endpoint_.kind != Endpoint::Kind::serial)
            return complain("mode",
                            "is \"lines\", which only a serial line can have; write url = "
                            "\"serial:PATH?baud=9600\", or remove the key");
        if (!draft_.user.empty())
            complain("user",
                     "has no effect with mode = \"lines\": the section lines names the only topics of the "
                     "device; remove the key");
        if (draft_.mqttsn != MqttsnSettings{})
            complain("mqttsn",
                     "is a section for MQTT-SN devices and has no effect with mode = \"lines\"; remove the "
                     "section, or the key mode");
        topics();
        json();
    }

private:
    void topics() {
        const lines::Options& lines = draft_.lines;
        if (lines.topic.empty())
            return complain("lines.topic",
                            "is missing: mode = \"lines\" needs the topic of the lines; add topic = "
                            "\"plant/meter/raw\" to [" +
                                prefix_ + ".lines]");
        check_topic("lines.topic", lines.topic);
        if (!lines.command_topic.empty()) check_topic("lines.command_topic", lines.command_topic);
        const std::string state = lines.topic_of_state();
        if (!lines.state_topic.empty() && !state.empty()) check_topic("lines.state_topic", state);
        // What the device sends would come back to it as a command.
        if (is_at_or_below(lines.command_topic, lines.topic))
            complain("lines.command_topic",
                     "is " + quoted(lines.command_topic) +
                         ", which is lines.topic or a topic below "
                         "it: lines of the device could come back as commands; choose another topic");
        if (!state.empty() && (state == lines.topic || state == lines.command_topic))
            complain("lines.state_topic",
                     "is the topic of the lines or of the commands; choose another topic, or none");
        // A level that begins with $ is one that a device cannot choose.
        const bool is_choosable = is_at_or_below(state, lines.topic) && state.size() > lines.topic.size() + 1 &&
                                  state[lines.topic.size() + 1] != '$';
        if (lines.wants_json() && is_choosable)
            complain("lines.state_topic",
                     "is " + quoted(state) +
                         ", which a device could choose with its JSON and so forge the state; choose a topic that is "
                         "not below lines.topic, or remove the key");
        if (!state.empty()) state_of_one_port(state);
    }

    void check_topic(std::string_view key, const std::string& topic) {
        const bool is_usable = topic.size() <= topic_bytes_max && !topic.starts_with('$') &&
                               topic::is_valid_topic(topic, topic::levels_hard_max);
        if (!is_usable)
            complain(key, "is " + quoted(topic) +
                              ", which is not a topic that a device may use; a topic has 1 to 1024 "
                              "bytes, no wildcards (+ and #) and no $ at its start");
    }

    /// One port would say that the other one is offline.
    void state_of_one_port(const std::string& state) {
        for (std::size_t i = 0; i < loaded_.config.sockets.size(); ++i) {
            const ListenerSocket& other = loaded_.config.sockets[i];
            // Only listeners that were checked before this one are in the list, so a pair is told once.
            if (other.mode != ListenerMode::lines || other.lines.topic_of_state() != state) continue;
            complain("lines.state_topic", "and that of the listener '" + loaded_.config.shard.listeners[i].name +
                                              "' are both " + quoted(state) +
                                              "; give one of them another state_topic, or "
                                              "another topic");
        }
    }

    /// Keys about JSON that no other key asks for.
    void json() {
        const lines::Options& lines = draft_.lines;
        if (lines.json_topic_slashes && lines.json_topic_member.empty())
            complain("lines.json_topic_slashes",
                     "has no effect without lines.json_topic_member; add json_topic_member");
        if (lines.unparsed != lines::Options{}.unparsed && !lines.wants_json())
            complain("lines.unparsed",
                     "has no effect: without lines.json_topic_member and lines.json_members = "
                     "\"topics\" no line is read as JSON; remove the key");
    }

    void complain(std::string_view key, const std::string& what) {
        const std::string full = prefix_ + "." + std::string(key);
        const std::string* place = find_place(places_, full);
        // A missing key has the place of the mode that wants it.
        if (place == nullptr) place = find_place(places_, prefix_ + ".mode");
        loaded_.complaints.push_back({place != nullptr ? *place : std::string(), "key '" + full + "' " + what});
    }

    const std::string& prefix_;
    const ListenerDraft& draft_;
    const Endpoint& endpoint_;
    const std::map<std::string, std::string>& places_;
    Loaded& loaded_;
};

}  // namespace

void check_lines(const std::string& prefix, const ListenerDraft& draft, const Endpoint& endpoint,
                 const std::map<std::string, std::string>& places, Loaded& loaded) {
    LineChecks checks(prefix, draft, endpoint, places, loaded);
    draft.mode == ListenerMode::lines ? checks.of_lines() : checks.of_other_mode();
}

/// The sentence of `ledgemq check`: where lines go, and where commands come from.
std::string explain_lines(const ListenerSocket& socket) {
    const lines::Options& lines = socket.lines;
    const std::string qos =
        " with QoS " + std::to_string(static_cast<int>(lines.qos)) + (lines.retain ? ", retained" : "");
    const bool has_members = lines.json_members == lines::Members::topics;
    std::string topic = lines.topic;
    if (!lines.json_topic_member.empty()) topic += "/VALUE";
    if (has_members) topic += "/MEMBER";
    if (!lines.json_topic_member.empty()) topic += " (VALUE: of the member " + quoted(lines.json_topic_member) + ")";
    std::string out = has_members ? "each member of a line of JSON is published on " + topic + qos
                                  : "each line is published on " + topic + qos;
    if (lines.wants_json())
        out += lines.unparsed == lines::Unparsed::drop
                   ? ", other lines are dropped"
                   : ", other lines on " + lines.topic + "/" + std::string(lines::unparsed_level);
    out += lines.command_topic.empty() ? "; the device gets no commands"
                                       : "; messages on " + lines.command_topic + " are written to the device";
    const std::string state = lines.topic_of_state();
    if (!state.empty()) out += "; " + state + " says whether the port is open";
    return out;
}

}  // namespace ledge::config
