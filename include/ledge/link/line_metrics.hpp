// The rows of the metric table about serial listeners with mode = "lines". LineListeners publishes the rows with a
// topic below $SYS/broker/lines/NAME/, the module admin shows those with a name to Prometheus.
#pragma once

#include "ledge/broker/metric_table.hpp"
#include "ledge/link/line_figures.hpp"

namespace ledge::link {

using LineMetric = broker::MetricRow<LineFigures>;

/// What the topics of the rows begin with; NAME stands for the name of the listener.
inline constexpr std::string_view line_topics_begin = "lines/NAME/";

namespace line_rows {

template <auto Member>
broker::Reading of_listener(const LineFigures& figures) {
    return {.number = figures.*Member};
}

template <auto Member>
broker::Reading of_lines(const LineFigures& figures) {
    return {.number = figures.lines.*Member};
}

template <lines::Loss Why>
broker::Reading lost(const LineFigures& figures) {
    return {.number = figures.lines.of(Why)};
}

}  // namespace line_rows

// clang-format off
// The rows of one family follow each other, and only the first one has the help text of the family.
inline constexpr LineMetric line_metrics[] = {
    {.group = broker::MetricGroup::lines, .name = "lines_port_up", .type = broker::MetricType::gauge,
     .label = "listener", .topic = "lines/NAME/state",
     .read = [](const LineFigures& figures) -> broker::Reading { return {.number = figures.is_open ? 1U : 0U}; },
     .help = "1 while the serial port of the listener is open, 0 while the broker tries to open it."},
    {.group = broker::MetricGroup::lines, .name = "lines_port_opened_total", .label = "listener",
     .topic = "lines/NAME/opened", .read = line_rows::of_listener<&LineFigures::opened>,
     .help = "Times that the serial port was opened: more than 1 means that it was lost."},
    {.group = broker::MetricGroup::lines, .name = "lines_bytes_received_total", .unit = "bytes", .label = "listener",
     .topic = "lines/NAME/bytes/received", .read = line_rows::of_lines<&lines::Counters::bytes_in>,
     .help = "Bytes that the device has sent."},
    {.group = broker::MetricGroup::lines, .name = "lines_received_total", .label = "listener",
     .topic = "lines/NAME/received", .read = line_rows::of_lines<&lines::Counters::lines_in>,
     .help = "Lines that the device has sent, lost ones included. An empty line is none."},
    {.group = broker::MetricGroup::lines, .name = "lines_ignored_total", .label = "listener",
     .topic = "lines/NAME/ignored", .read = line_rows::of_lines<&lines::Counters::lines_ignored>,
     .help = "Lines that begin with lines.ignore_prefix."},
    {.group = broker::MetricGroup::lines, .name = "lines_unparsed_total", .label = "listener",
     .topic = "lines/NAME/unparsed", .read = line_rows::of_lines<&lines::Counters::unparsed>,
     .help = "Lines that were published below the level unparsed, because they are no JSON object as the configuration "
             "wants it."},
    {.group = broker::MetricGroup::lines, .name = "lines_publications_total", .label = "listener",
     .topic = "lines/NAME/publications", .read = line_rows::of_lines<&lines::Counters::publications>,
     .help = "Messages that were made of lines. With lines.json_members = \"topics\" a line becomes several."},
    {.group = broker::MetricGroup::lines, .name = "lines_waiting", .type = broker::MetricType::gauge,
     .label = "listener", .topic = "lines/NAME/waiting", .read = line_rows::of_listener<&LineFigures::waiting>,
     .help = "Messages made of lines that the broker has not accepted yet (lines.lines_waiting_max)."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "stale", .topic = "lines/NAME/lost/stale",
     .read = line_rows::lost<lines::Loss::stale>,
     .help = "Lines of the device that did not become messages, by reason.",
     .sample = "The line was the rest of one that had begun before the port was opened, or noise of the opening."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "too_long", .topic = "lines/NAME/lost/too_long",
     .read = line_rows::lost<lines::Loss::too_long>, .sample = "The line was longer than lines.line_bytes_max."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "rate", .topic = "lines/NAME/lost/rate",
     .read = line_rows::lost<lines::Loss::rate>, .sample = "More lines came than lines.lines_per_second allows."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "unparsed", .topic = "lines/NAME/lost/unparsed",
     .read = line_rows::lost<lines::Loss::unparsed>,
     .sample = "The line is no JSON object as the configuration wants it, and lines.unparsed is \"drop\"."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "bad_level", .topic = "lines/NAME/lost/bad_level",
     .read = line_rows::lost<lines::Loss::bad_level>,
     .sample = "The name of a member cannot be a level of a topic; the other members of the line became messages."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "waiting_full", .topic = "lines/NAME/lost/waiting_full",
     .read = line_rows::lost<lines::Loss::waiting_full>,
     .sample = "The broker did not accept messages fast enough, and the oldest one gave way to a new line."},
    {.group = broker::MetricGroup::lines, .name = "lines_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "refused", .topic = "lines/NAME/lost/refused",
     .read = line_rows::lost<lines::Loss::refused>,
     .sample = "The broker has answered the message by an error code, for example because the store is full."},
    {.group = broker::MetricGroup::lines, .name = "lines_commands_total", .label = "listener",
     .topic = "lines/NAME/commands", .read = line_rows::of_lines<&lines::Counters::commands>,
     .help = "Commands that were written to the device."},
    {.group = broker::MetricGroup::lines, .name = "lines_commands_waiting", .type = broker::MetricType::gauge,
     .label = "listener", .topic = "lines/NAME/commands/waiting",
     .read = line_rows::of_listener<&LineFigures::commands_waiting>,
     .help = "Commands that the listener holds and has not written yet. Further ones wait in its session's queue."},
    {.group = broker::MetricGroup::lines, .name = "lines_commands_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "line_end", .topic = "lines/NAME/commands/lost/line_end",
     .read = line_rows::lost<lines::Loss::line_end>,
     .help = "Commands that were not written to the device, by reason.",
     .sample = "The payload has a line end inside, so the device would have read two commands."},
    {.group = broker::MetricGroup::lines, .name = "lines_commands_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "command_too_long", .topic = "lines/NAME/commands/lost/too_long",
     .read = line_rows::lost<lines::Loss::command_too_long>,
     .sample = "The payload was longer than lines.line_bytes_max."},
    {.group = broker::MetricGroup::lines, .name = "lines_commands_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "command_expired", .topic = "lines/NAME/commands/lost/expired",
     .read = line_rows::lost<lines::Loss::command_expired>,
     .sample = "The Message Expiry Interval ended while the command waited for the port."},
    {.group = broker::MetricGroup::lines, .name = "lines_commands_lost_total", .label = "listener",
     .other_label = "reason", .other_label_value = "command_unsent", .topic = "lines/NAME/commands/lost/unsent",
     .read = line_rows::lost<lines::Loss::command_unsent>,
     .sample = "The command had QoS 0, and the port was closed or had too many commands to write."},
};
// clang-format on

}  // namespace ledge::link
