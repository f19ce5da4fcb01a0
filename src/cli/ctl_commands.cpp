#include "ledge/cli/ctl_commands.hpp"

#include <algorithm>
#include <array>

namespace ledge::cli {
namespace {

using Argument = CtlArgument;
using Place = CtlArgument::Place;
using Answer = CtlCommand::Answer;

constexpr Argument client_id{"", "CLIENT_ID", "client_id", Place::path, true, "The client id"};
constexpr Argument topic{"", "TOPIC", "topic", Place::path, true, "The topic"};
constexpr Argument bridge{"", "NAME", "name", Place::path, true, "The name of the bridge: NAME in [bridges.NAME]"};

constexpr Argument overview_arguments[] = {
    {"--watch", "", "watch", Place::local, false,
     "Show the overview again and again, until the command is interrupted"},
    {"--interval", "S", "interval_s", Place::query, false, "Seconds between two overviews of --watch: 1 to 60"},
};
constexpr Argument clients_arguments[] = {
    {"--state", "STATE", "state", Place::query, false, "connected or offline"},
    {"--client", "TEXT", "client_id", Place::query, false, "A part of the client id"},
    {"--user", "TEXT", "user", Place::query, false, "A part of the user name"},
    {"--address", "TEXT", "address", Place::query, false, "A part of the address"},
    {"--listener", "TEXT", "listener", Place::query, false, "A part of the name of the listener"},
    {"--order", "ORDER", "order", Place::query, false, "client_id, queue or dropped: the largest first"},
    {"--limit", "N", "limit", Place::query, false, "Clients in one answer: 1 to 1000"},
};
constexpr std::string_view clients_columns[] = {"client_id",   "user",          "address",        "protocol",
                                                "connected",   "subscriptions", "queue.messages", "queue.bytes",
                                                "queue.age_s", "inflight",      "dropped"};
constexpr Argument client_arguments[] = {client_id};
constexpr Argument client_facts_arguments[] = {
    client_id,
    {"--rate", "S", "rate_s", Place::query, false, "Also measure the rates of the client, for 1 to 10 seconds"},
};
constexpr Argument ban_arguments[] = {
    {"--client", "ID", "client_id", Place::text, false, "The client id that is banned"},
    {"--user", "NAME", "user", Place::text, false, "The user name that is banned"},
    {"--address", "ADDRESS", "address", Place::text, false, "The address that is banned"},
    {"--seconds", "S", "seconds", Place::number, true, "For this time"},
    {"--reason", "TEXT", "reason", Place::text, false, "Why, for the log and the list"},
};
constexpr Argument unban_arguments[] = {{"", "NUMBER", "number", Place::path, true, "The number in the list of bans"}};
constexpr Argument who_gets_arguments[] = {{"", "TOPIC", "topic", Place::query, true, "The topic of the message"}};
constexpr std::string_view who_gets_columns[] = {"client_id", "filter",    "qos",    "share",
                                                 "connected", "would_get", "why_not"};
constexpr Argument retained_arguments[] = {{"", "FILTER", "filter", Place::query, false, "Only these topics"}};
constexpr Argument tree_arguments[] = {{"", "TOPIC", "below", Place::query, false, "The level below this topic"}};
constexpr Argument topic_arguments[] = {topic};
constexpr Argument set_arguments[] = {
    topic,
    {"", "PAYLOAD", "payload", Place::payload, true, "The payload"},
    {"--qos", "QOS", "qos", Place::number, false, "0, 1 or 2"},
    {"--expiry", "S", "expiry_interval_s", Place::number, false, "Seconds for which the message is of use"},
};
constexpr Argument publish_arguments[] = {
    {"", "TOPIC", "topic", Place::text, true, "The topic of the message"},
    {"", "PAYLOAD", "payload", Place::payload, true, "The payload"},
    {"--qos", "QOS", "qos", Place::number, false, "0, 1 or 2"},
    {"--retain", "", "retain", Place::flag, false, "The message becomes the retained message of its topic"},
    {"--content-type", "TEXT", "content_type", Place::text, false, "The property Content Type"},
    {"--response-topic", "TOPIC", "response_topic", Place::text, false, "The property Response Topic"},
    {"--user-property", "NAME=VALUE", "user_properties", Place::property, false, "A User Property"},
    {"--expiry", "S", "expiry_interval_s", Place::number, false, "Seconds for which the message is of use"},
};
constexpr Argument bridge_arguments[] = {bridge};
constexpr Argument refusals_arguments[] = {
    {"", "CLIENT_ID", "client_id", Place::query, false, "Only those of this client id"},
    {"--kind", "KIND", "kind", Place::query, false, "refused or disconnected"},
};
constexpr std::string_view refusals_columns[] = {"age_s",    "kind",   "client_id", "user",  "address",
                                                 "listener", "reason", "rule",      "detail"};
constexpr Argument trace_arguments[] = {
    {"--client", "ID", "client_id", Place::query, false, "The messages and events of this client"},
    {"--filter", "FILTER", "filter", Place::query, false, "The messages of these topics"},
    {"--seconds", "S", "seconds", Place::query, false, "For this time: 1 to 600; 60 if not given"},
    {"--events", "N", "events_max", Place::query, false, "At most this many events; 1000 if not given"},
};
constexpr Argument backup_arguments[] = {
    {"", "FILE", "file", Place::local, true, "The new file"},
    {"--force", "", "force", Place::local, false, "Replace an existing file"},
    {"--compact", "", "compact", Place::query, false, "Leave free pages out: a smaller file, more work for the broker"},
};
constexpr Argument log_level_arguments[] = {
    {"", "LEVEL", "level", Place::text, true, "error, warning, info or debug"},
    {"--seconds", "S", "seconds", Place::number, false, "Back to the configured level after this time"},
};

constexpr CtlCommand commands[] = {
    {"overview", "How the broker is: clients, messages, memory, store, bridges, the slowest clients", "GET",
     "/overview", overview_arguments, Answer::overview},
    {"clients", "The clients and their queues", "GET", "/clients", clients_arguments, Answer::rows, "clients",
     clients_columns},
    {"client", "All that is known about one client", "GET", "/clients/{client_id}", client_facts_arguments,
     Answer::facts},
    {"kick", "End the connection of a client; its session stays", "DELETE", "/clients/{client_id}/connection",
     client_arguments},
    {"remove", "Remove the session of a client for good; a connection ends", "DELETE", "/clients/{client_id}",
     client_arguments},
    {"clear-queue", "Drop the messages that wait for a client", "DELETE", "/clients/{client_id}/queue",
     client_arguments, Answer::facts},
    {"bans", "Who is banned", "GET", "/bans", {}, Answer::rows, "bans"},
    {"ban", "Refuse a client id, a user or an address for a time, and end its connections", "POST", "/bans",
     ban_arguments, Answer::facts},
    {"unban", "End a ban", "DELETE", "/bans/{number}", unban_arguments},
    {"who-gets", "Who would get a message that is published on a topic now, and who would not, and why", "GET",
     "/who-gets", who_gets_arguments, Answer::rows, "subscribers", who_gets_columns},
    {"retained", "The retained messages", "GET", "/retained", retained_arguments, Answer::rows, "retained"},
    {"retained tree", "One level of the topics of the retained messages", "GET", "/retained-tree", tree_arguments,
     Answer::rows, "children"},
    {"retained get", "One retained message", "GET", "/retained/{topic}", topic_arguments, Answer::facts},
    {"retained set", "Set a retained message", "PUT", "/retained/{topic}", set_arguments},
    {"retained delete", "Delete a retained message", "DELETE", "/retained/{topic}", topic_arguments},
    {"publish", "Publish a message", "POST", "/publish", publish_arguments, Answer::facts},
    {"shares", "The shared subscriptions and their members", "GET", "/shares", {}, Answer::rows, "shares"},
    {"bridges", "The bridges", "GET", "/bridges", {}, Answer::rows, "bridges"},
    {"bridges pause", "Disconnect a bridge until it is resumed; its messages wait", "POST", "/bridges/{name}/pause",
     bridge_arguments},
    {"bridges resume", "Let a paused bridge connect again", "POST", "/bridges/{name}/resume", bridge_arguments},
    {"bridges reconnect", "Connect a bridge anew", "POST", "/bridges/{name}/reconnect", bridge_arguments},
    {"listeners", "The listeners", "GET", "/listeners", {}, Answer::rows, "listeners"},
    {"store", "The store: its size, what is written to it, how long commits take", "GET", "/store", {}, Answer::facts},
    {"memory", "What the memory is used for", "GET", "/memory", {}, Answer::facts},
    {"metrics", "All metrics", "GET", "/metrics", {}, Answer::rows, "metrics"},
    {"refusals", "The last refused and ended connections, and why", "GET", "/refusals", refusals_arguments,
     Answer::rows, "refusals", refusals_columns},
    {"trace", "Follow messages through the broker, or all that a client does", "GET", "/trace", trace_arguments,
     Answer::events},
    {"backup", "Copy the store of the running broker to a file", "GET", "/store/backup", backup_arguments,
     Answer::file},
    {"compact", "Compact the store at the next start of the broker", "POST", "/store/compact", {}, Answer::facts},
    {"reload", "Read the configuration again, as on SIGHUP", "POST", "/reload", {}, Answer::facts},
    {"log-level", "Log more or less for a time", "PUT", "/log-level", log_level_arguments, Answer::facts},
    {"upgrade",
     "Hand over to the binary that stands at the broker's path now, without losing a client",
     "POST",
     "/upgrade",
     {},
     Answer::facts},
};

}  // namespace

std::span<const CtlCommand> ctl_commands() { return commands; }

std::string CtlOptions::local(std::string_view member) const {
    const auto found = std::find_if(values.begin(), values.end(), [&](const auto& one) {
        return one.first->place == CtlArgument::Place::local && one.first->member == member;
    });
    return found == values.end() ? std::string() : found->second;
}

}  // namespace ledge::cli
