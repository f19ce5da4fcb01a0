// The rows of the metric table about the listeners for MQTT-SN devices. Gateways publishes the rows with a topic below
// $SYS/broker/mqttsn/NAME/, the module admin shows those with a name to Prometheus.
#pragma once

#include "ledge/broker/metric_table.hpp"
#include "ledge/link/figures.hpp"

namespace ledge::link {

using LinkMetric = broker::MetricRow<LinkFigures>;

/// What the topics of the rows begin with; NAME stands for the name of the listener.
inline constexpr std::string_view link_topics_begin = "mqttsn/NAME/";

namespace rows {

template <auto Member>
broker::Reading of_link(const LinkFigures& figures) {
    return {.number = figures.link.*Member};
}

template <auto Member>
broker::Reading of_gateway(const LinkFigures& figures) {
    return {.number = figures.gateway.*Member};
}

template <auto Member>
broker::Reading of_listener(const LinkFigures& figures) {
    return {.number = figures.*Member};
}

}  // namespace rows

// clang-format off
// The rows of one family follow each other, and only the first one has the help text of the family.
inline constexpr LinkMetric link_metrics[] = {
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_link_up", .type = broker::MetricType::gauge,
     .label = "listener", .topic = "mqttsn/NAME/state",
     .read = [](const LinkFigures& figures) -> broker::Reading { return {.number = figures.is_up ? 1U : 0U}; },
     .help = "1 while the serial port or UDP socket of the listener is open, 0 while the broker tries to open it."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_link_opened_total", .label = "listener",
     .topic = "mqttsn/NAME/opened", .read = rows::of_link<&LinkCounters::opened>,
     .help = "Times that the serial port or UDP socket was opened: more than 1 means that it was lost."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_devices", .type = broker::MetricType::gauge,
     .label = "listener", .other_label = "state", .other_label_value = "connected",
     .topic = "mqttsn/NAME/devices/connected",
     .read = rows::of_listener<&LinkFigures::connected>,
     .help = "Devices of the listener, by state.", .sample = "Devices that are connected, asleep ones included."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_devices", .type = broker::MetricType::gauge,
     .label = "listener", .other_label = "state", .other_label_value = "asleep", .topic = "mqttsn/NAME/devices/asleep",
     .read = rows::of_listener<&LinkFigures::asleep>,
     .sample = "Devices that have said for how long they sleep; their messages wait."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_devices", .type = broker::MetricType::gauge,
     .label = "listener", .other_label = "state", .other_label_value = "remembered",
     .topic = "mqttsn/NAME/devices/remembered",
     .read = rows::of_listener<&LinkFigures::devices>,
     .sample = "Devices that the gateway remembers, connected or not (mqttsn.peers_max)."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_frames_received_total", .label = "listener",
     .other_label = "result", .other_label_value = "whole", .topic = "mqttsn/NAME/frames/received",
     .read = rows::of_link<&LinkCounters::frames>,
     .help = "Frames of a serial line, or datagrams, that have come, by what the broker has found.",
     .sample = "The frame was whole."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_frames_received_total", .label = "listener",
     .other_label = "result", .other_label_value = "bad_crc", .topic = "mqttsn/NAME/frames/bad_crc",
     .read = rows::of_link<&LinkCounters::bad_crc>,
     .sample = "The frame was damaged on the serial line, and was dropped."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_frames_received_total", .label = "listener",
     .other_label = "result", .other_label_value = "too_long", .topic = "mqttsn/NAME/frames/too_long",
     .read = rows::of_link<&LinkCounters::too_long>,
     .sample = "The frame was longer than a packet may be (mqttsn.packet_bytes_max), and was dropped."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_frames_received_total", .label = "listener",
     .other_label = "result", .other_label_value = "malformed", .topic = "mqttsn/NAME/frames/malformed",
     .read = rows::of_gateway<&mqttsn::Counters::packets_malformed>,
     .sample = "The frame was whole, but no packet of MQTT-SN 1.2; such frames count as whole, too."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_frames_sent_total", .label = "listener",
     .topic = "mqttsn/NAME/frames/sent", .read = rows::of_link<&LinkCounters::sent>,
     .help = "Packets that the broker has sent to devices."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_frames_unsent_total", .label = "listener",
     .topic = "mqttsn/NAME/frames/unsent",
     .read = [](const LinkFigures& figures) -> broker::Reading {
         return {.number = figures.link.send_failed + figures.gateway.outputs_dropped};
     },
     .help = "Packets that could not be sent: the port was closed, the queue was full, or the system refused them."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_unknown_peers_total", .label = "listener",
     .other_label = "result", .other_label_value = "answered", .topic = "mqttsn/NAME/unknown/answered",
     .read = rows::of_gateway<&mqttsn::Counters::unknown_answered>,
     .help = "Packets of peers that have not connected, by what the broker did.",
     .sample = "The peer was told by DISCONNECT that it has to connect."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_unknown_peers_total", .label = "listener",
     .other_label = "result", .other_label_value = "ignored", .topic = "mqttsn/NAME/unknown/ignored",
     .read = rows::of_gateway<&mqttsn::Counters::unknown_ignored>,
     .sample = "More came than mqttsn.unknown_per_second allows, and these got no answer."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_envelopes_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "unknown", .topic = "mqttsn/NAME/envelopes/unknown",
     .read = rows::of_gateway<&mqttsn::Counters::envelopes_unknown>,
     .help = "Packets of devices with a key, or in their name, that were refused without an answer, by reason.",
     .sample = "The sender of the envelope is no device with a key."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_envelopes_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "forged", .topic = "mqttsn/NAME/envelopes/forged",
     .read = rows::of_gateway<&mqttsn::Counters::envelopes_forged>,
     .sample = "The tag is wrong: the device has another key, or somebody has made or changed the envelope."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_envelopes_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "replayed", .topic = "mqttsn/NAME/envelopes/replayed",
     .read = rows::of_gateway<&mqttsn::Counters::envelopes_replayed>,
     .sample = "The counter is not above the last one: the link doubles or reorders packets, or they are repeated."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_envelopes_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "missing", .topic = "mqttsn/NAME/envelopes/missing",
     .read = rows::of_gateway<&mqttsn::Counters::unsealed>,
     .sample = "The packet came without an envelope, although the device has a key."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_over_rate_total", .label = "listener",
     .topic = "mqttsn/NAME/over_rate", .read = rows::of_gateway<&mqttsn::Counters::over_rate>,
     .help = "Messages of devices above messages_per_second_max: the device was told to wait, or QoS 0 was dropped."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_connects_refused_total", .label = "listener",
     .topic = "mqttsn/NAME/connects_refused", .read = rows::of_gateway<&mqttsn::Counters::connects_refused>,
     .help = "CONNECT packets that were answered by another code than accepted."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_devices_lost_total", .label = "listener",
     .topic = "mqttsn/NAME/lost", .read = rows::of_gateway<&mqttsn::Counters::lost>,
     .help = "Devices that fell silent for longer than they had promised, or did not answer any repetition."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_repetitions_total", .label = "listener",
     .topic = "mqttsn/NAME/repetitions", .read = rows::of_gateway<&mqttsn::Counters::repetitions>,
     .help = "Packets that were sent again because a device had not answered within mqttsn.retry_interval_ms."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_received_total", .label = "listener",
     .topic = "mqttsn/NAME/messages/received",
     .read = [](const LinkFigures& figures) -> broker::Reading {
         return {.number = figures.gateway.messages_in + figures.gateway.connectionless};
     },
     .help = "Messages of devices, those of QoS -1 included."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_sent_total", .label = "listener",
     .topic = "mqttsn/NAME/messages/sent", .read = rows::of_gateway<&mqttsn::Counters::messages_out>,
     .help = "Messages that were sent to devices, repetitions not counted."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_dropped_total", .label = "listener",
     .other_label = "reason", .other_label_value = "oversize", .topic = "mqttsn/NAME/dropped/oversize",
     .read = rows::of_gateway<&mqttsn::Counters::oversize>,
     .help = "Messages that were left out for one device, by reason.",
     .sample = "The message did not fit into a packet of the link, or a device that lives never answered it."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_dropped_total", .label = "listener",
     .other_label = "reason", .other_label_value = "busy", .topic = "mqttsn/NAME/dropped/busy",
     .read = rows::of_gateway<&mqttsn::Counters::qos0_dropped>,
     .sample = "The message had QoS 0, and found no room while its device slept or was busy."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_dropped_total", .label = "listener",
     .other_label = "reason", .other_label_value = "topic_refused", .topic = "mqttsn/NAME/dropped/topic_refused",
     .read = rows::of_gateway<&mqttsn::Counters::topic_refused>,
     .sample = "The device has refused the topic, or there was no topic id left."},
    {.group = broker::MetricGroup::mqttsn, .name = "mqttsn_messages_dropped_total", .label = "listener",
     .other_label = "reason", .other_label_value = "connectionless", .topic = "mqttsn/NAME/dropped/connectionless",
     .read = rows::of_gateway<&mqttsn::Counters::connectionless_dropped>,
     .sample = "The message had QoS -1, which mqttsn.connectionless_user does not allow, or came above the rate."},
};
// clang-format on

}  // namespace ledge::link
