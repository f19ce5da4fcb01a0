// TraceRig: a shard with a trace, whose events are text: "received p t m1 q1#1 (detail) | matched s t m1 q1". The
// numbers of messages are m1, m2 ... in the order in which the trace tells of them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ledge/broker/options.hpp"
#include "ledge/session/tracer.hpp"
#include "rig.hpp"

namespace ledge::broker {

/// What an operator asks by default: everything.
inline session::TraceOptions all_topics(std::uint32_t events_max = 1000, Duration lasts = 600s) {
    return {.client_id = "", .filter = "#", .lasts = lasts, .events_max = events_max};
}
inline session::TraceOptions of_client(std::string client_id) {
    return {.client_id = std::move(client_id), .filter = "", .lasts = 600s, .events_max = 1000};
}

class Traced {
public:
    Traced(Rig& rig, session::TraceOptions options)
        : rig_(rig), number_(*rig.shard->tracer().begin(std::move(options), rig.now)) {}

    /// What has happened since, without the details.
    std::string tells() { return told(false); }
    /// The same with the details.
    std::string explains() { return told(true); }
    session::TraceReport reads(std::size_t events_max = 10'000) {
        session::TraceReport report;
        CHECK(rig_.shard->tracer().read(number_, rig_.now, events_max, report));
        return report;
    }
    /// The broker was started again.
    void begins_anew(session::TraceOptions options) {
        number_ = *rig_.shard->tracer().begin(std::move(options), rig_.now);
    }
    session::TraceNumber number() const { return number_; }

private:
    std::string told(bool has_details) {
        std::string out;
        for (const session::TraceEvent& event : reads().events) {
            out += (out.empty() ? "" : " | ") + std::string(name_of(event.stage)) + " " + event.client_id;
            if (!event.topic.empty()) out += " " + event.topic;
            if (event.message != no_message)
                out += " m" + std::to_string(names_.emplace(event.message, names_.size() + 1).first->second);
            out += " q" + std::to_string(static_cast<int>(event.qos));
            if (event.packet_id != 0) out += "#" + std::to_string(event.packet_id);
            if (has_details && !event.detail.empty()) out += " (" + event.detail + ")";
        }
        return out;
    }

    Rig& rig_;
    session::TraceNumber number_;
    std::map<MessageNumber, std::size_t> names_;
};

}  // namespace ledge::broker
