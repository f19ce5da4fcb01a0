// The families of /metrics, in groups. HELP texts are read by operators.
#include "ledge/admin/metrics_text.hpp"

#include <cstdint>

#include "ledge/base/assert.hpp"

namespace ledge::admin {
namespace {

/// Builds the text. Names come without the prefix "ledgemq_".
class Text {
public:
    void counter(std::string_view name, std::string_view help, std::uint64_t value) {
        family(name, "counter", help);
        sample(name, value);
    }
    void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
        family(name, "gauge", help);
        sample(name, value);
    }

    void family(std::string_view name, std::string_view type, std::string_view help) {
        LEDGE_ASSERT(name.ends_with("_total") == (type == "counter"));
        add({"# HELP ledgemq_", name, " ", help, "\n# TYPE ledgemq_", name, " ", type, "\n"});
    }
    void sample(std::string_view name, std::uint64_t value) {
        add({"ledgemq_", name, " ", std::to_string(value), "\n"});
    }
    /// A family with one sample for each owner. Without owners the family is left out.
    void owners(std::string_view name, std::string_view type, std::string_view help,
                const std::vector<session::OwnerFigure>& figures) {
        if (figures.empty()) return;
        family(name, type, help);
        for (const session::OwnerFigure& figure : figures) sample(name, "owner", escaped(figure.owner), figure.value);
    }
    /// `value_of_label` must not need escapes (backslash, quote, line feed).
    void sample(std::string_view name, std::string_view label, std::string_view value_of_label, std::uint64_t value) {
        add({"ledgemq_", name, "{", label, "=\"", value_of_label, "\"} ", std::to_string(value), "\n"});
    }

    std::string take() { return std::move(out_); }

private:
    /// Escapes the value of a label: backslash, quote and line feed.
    static std::string escaped(std::string_view text) {
        std::string out;
        for (const char c : text) {
            if (c == '\\' || c == '"') out += '\\';
            if (c == '\n')
                out += "\\n";
            else
                out += c;
        }
        return out;
    }
    void add(std::initializer_list<std::string_view> parts) {
        for (const std::string_view part : parts) out_ += part;
    }

    std::string out_;
};

/// Bytes and packets.
void add_traffic(Text& text, const session::Counters& c) {
    text.counter("received_bytes_total", "Bytes of MQTT packets received from clients.", c.bytes_received);
    text.counter("sent_bytes_total", "Bytes of MQTT packets sent to clients.", c.bytes_sent);
    text.counter("packets_received_total", "MQTT packets received from clients.", c.packets_received);
    text.counter("packets_sent_total", "MQTT packets sent to clients.", c.packets_sent);
    text.counter("publish_received_total", "PUBLISH packets received from clients.", c.publish_received);
    text.counter("publish_sent_total", "PUBLISH packets sent to clients.", c.publish_sent);
    text.counter("publish_payload_received_bytes_total", "Bytes of payload in PUBLISH packets received from clients.",
                 c.publish_bytes_received);
    text.counter("publish_payload_sent_bytes_total", "Bytes of payload in PUBLISH packets sent to clients.",
                 c.publish_bytes_sent);
    text.counter("wills_published_total", "Will messages published.", c.wills_published);
}

/// Messages that were dropped or refused.
void add_losses(Text& text, const session::Counters& c) {
    constexpr std::string_view dropped = "publications_dropped_total";
    text.family(dropped, "counter",
                "Publications that were routed to a session but dropped before they reached its client, by reason.");
    for (const session::DropCounter& part : session::drop_counters)
        text.sample(dropped, "reason", part.reason, c.*part.count);
    constexpr std::string_view refused = "publications_refused_total";
    text.family(refused, "counter", "Publications that the broker refused and whose publisher was told so, by reason.");
    text.sample(refused, "reason", "quota", c.refused_quota);
    text.sample(refused, "reason", "owner_share", c.refused_share);
    text.sample(refused, "reason", "retained_full", c.retained_refused);
    text.counter("not_allowed_total", "Publications and subscriptions that the access control list denied.",
                 c.refused_not_allowed);
}

/// Connections, logins, sessions and subscriptions.
void add_clients(Text& text, const broker::Metrics& metrics) {
    const session::Counters& c = metrics.counters;
    text.counter("connections_opened_total", "Connections that were accepted.", c.connections_opened);
    text.counter("connects_received_total", "CONNECT packets received from clients, accepted or not.",
                 c.connects_received);
    text.counter("connections_refused_total",
                 "Connections that were refused, before CONNACK or by a CONNACK with an error code.",
                 c.connections_refused);
    text.counter("connections_gave_way_total",
                 "Clients that were disconnected from a full listener to make room for users or addresses with fewer "
                 "connections.",
                 c.connections_gave_way);
    text.counter("clients_throttled_total", "How often a client exceeded its own rate limit.", c.clients_throttled);
    text.counter("users_throttled_total",
                 "How often all connections of a user together exceeded the rate limit of the user.",
                 c.users_throttled);
    text.counter("read_pauses_total",
                 "How often the socket of a client was not read for a while because of a rate limit.", c.read_pauses);
    text.counter("accept_pauses_total", "How often a listener let new connections wait.", c.accept_pauses);
    text.gauge("connections_paused", "Connections whose socket is not read at the moment because of a rate limit.",
               metrics.connections_paused);
    text.counter("login_failures_total", "Logins with a wrong user name or password.", c.login_failures);
    text.counter(
        "subscribe_steps_total",
        "Work for SUBSCRIBE and UNSUBSCRIBE in steps: entries, comparisons with subscriptions, comparisons with rules.",
        c.subscribe_steps);
    text.counter("protocol_errors_total", "Connections closed because the client broke the protocol.",
                 c.protocol_errors);
    text.counter("keep_alive_timeouts_total",
                 "Connections closed because the client sent nothing within one and a half times its keep alive.",
                 c.keep_alive_timeouts);
    text.counter("takeovers_total",
                 "Connections closed because a new connection with the same client id took over the session.",
                 c.takeovers);
    text.counter("takeovers_delayed_total",
                 "New connections that had to wait because several clients use the same client id in turn.",
                 c.takeovers_delayed);
    text.counter("sessions_expired_total",
                 "Sessions that ended because their client did not reconnect within the session expiry.",
                 c.sessions_expired);
    constexpr std::string_view policies = "policy_reloads_total";
    text.family(policies, "counter",
                "How often the files of users and rights were read again: taken = in force, refused = a mistake, "
                "nothing changed.");
    text.sample(policies, "outcome", "taken", c.policies_taken);
    text.sample(policies, "outcome", "refused", c.policies_refused);
    text.gauge("connections", "Open connections, also those that have not sent CONNECT yet.", metrics.connections);
    text.gauge("clients_connected", "Clients that are connected at the moment.", metrics.clients_connected);
    text.gauge("clients_connected_max", "The largest number of clients that were connected at once since the start.",
               metrics.clients_connected_max);
    text.gauge("sessions", "Sessions of connected and of disconnected clients.", metrics.sessions);
    text.gauge("subscriptions", "Subscriptions of all sessions.", metrics.subscriptions);
    text.gauge("shared_subscriptions", "Shared subscriptions of all sessions; they also count as subscriptions.",
               metrics.shared_subscriptions);
}

/// Handshakes.
void add_tls(Text& text, const transport::TlsCounters& tls) {
    constexpr std::string_view handshakes = "tls_handshakes_total";
    text.family(handshakes, "counter",
                "TLS handshakes by result: full, resumed from a ticket, failed, refused because too many waited.");
    text.sample(handshakes, "result", "full", tls.full);
    text.sample(handshakes, "result", "resumed", tls.resumed);
    text.sample(handshakes, "result", "failed", tls.failed);
    text.sample(handshakes, "result", "refused", tls.refused);
}

/// Queues, retained messages and the memory budget.
void add_memory(Text& text, const broker::Metrics& metrics) {
    text.gauge("queued_messages", "Messages that wait in sessions, including those in flight.",
               metrics.counters.queued_messages);
    text.gauge("queued_bytes", "Bytes of the messages that wait in sessions, without those in flight.",
               metrics.counters.queued_bytes);
    text.gauge("retained_messages", "Topics with a retained message, including those of $SYS.",
               metrics.retained_messages);
    text.gauge("retained_bytes", "Bytes of the retained messages.", metrics.retained_bytes);
    text.gauge("memory_used_bytes", "Anonymous memory of the process in bytes, as its budget counts it.",
               metrics.memory_used);
    text.gauge("memory_budget_bytes", "Memory budget of the process in bytes; 0 = unlimited.", metrics.memory_budget);
    text.gauge(
        "memory_pressure",
        "Steps of overload, each with those before it. 0 = none, 1 = QoS 0 messages for slow readers are dropped, "
        "2 = owners with many sessions get no new ones, 3 = the owners that hold most memory lose messages, "
        "connections or sessions.",
        static_cast<std::uint64_t>(metrics.memory_pressure));
    text.counter("clients_refused_memory_total", "CONNECT packets refused because memory was short.",
                 metrics.counters.refused_memory);
    text.counter("clients_disconnected_memory_total",
                 "Clients disconnected because memory was short and the broker kept most for them.",
                 metrics.counters.disconnected_memory);
    text.counter("strangers_gave_way_total",
                 "Connections closed before their CONNECT was accepted because unfinished packets exceeded their share "
                 "of the memory budget.",
                 metrics.counters.strangers_gave_way);
    text.counter(
        "sessions_gave_way_total",
        "Sessions without a connection and without messages that were ended because sessions_max was reached or "
        "memory was short.",
        metrics.counters.sessions_gave_way);
}

/// The ten largest owners. Only their number bounds the number of samples.
void add_owners(Text& text, const broker::Metrics& metrics) {
    text.owners("owner_table_bytes", "gauge",
                "Bytes of memory for sessions and subscriptions of an owner (a user, or the network of anonymous "
                "clients), for the ten largest owners.",
                metrics.owners_by_table_bytes);
    if (!metrics.store.is_used) return;
    text.owners(
        "owner_stored_bytes", "gauge",
        "Bytes of the messages in the store that an owner has published since the start, for the ten largest owners.",
        metrics.owners_by_stored_bytes);
    text.owners("owner_written_bytes_total", "counter",
                "Bytes handed to the store because of an owner, for the ten largest owners.",
                metrics.owners_by_written_bytes);
}

/// The state and the writes of the store. Without a store only the first two families exist.
void add_store(Text& text, const broker::Metrics& metrics) {
    const broker::StoreFigures& store = metrics.store;
    text.gauge("store_enabled", "1 = the broker has a store, 0 = nothing survives the end of the broker.",
               store.is_used ? 1 : 0);
    text.gauge("store_unusable", "1 = a store is configured but could not be used at the start.",
               store.beginning == broker::Beginning::unusable ? 1 : 0);
    if (!store.is_used) return;
    text.gauge("store_failed",
               "1 = the store could not be written, and nothing is acknowledged as durable until a restart.",
               metrics.is_store_failed ? 1 : 0);
    text.gauge("store_full", "1 = durable publications are refused at the moment because the store has no room.",
               metrics.is_store_full ? 1 : 0);
    text.gauge("store_postponed", "1 = a commit had no room on the disk and is tried again.",
               store.is_postponed ? 1 : 0);
    text.counter("store_postponements_total", "How often commits began to fail because the disk had no room.",
                 store.postponements);
    text.gauge(
        "store_waiting_seconds", "Seconds for which the current commit has waited for the disk; 0 = no commit waits.",
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(metrics.store_waited).count()));
    text.gauge("store_lost", "1 = at the start the file of an earlier store was missing or empty.",
               store.beginning == broker::Beginning::lost ? 1 : 0);
    text.gauge("store_salvaged", "1 = at the start the store was damaged, and the broker kept what could be read.",
               store.beginning == broker::Beginning::salvaged ? 1 : 0);
    text.counter("store_commits_total", "Transactions that the store has written.", store.commits);
    constexpr std::string_view given = "store_given_bytes_total";
    text.family(given, "counter", "Bytes of keys and bodies handed to the store, by class of record.");
    for (std::size_t i = 0; i < journal::write_classes; ++i) {
        text.sample(given, "class", journal::write_class_names[i], store.given[i]);
    }
    text.counter("store_device_bytes_total", "Bytes of the pages that the store has written to the device.",
                 store.device_bytes);
    text.counter("store_bad_rows_total", "Rows of the store that were damaged and were put aside.", store.bad_rows);
    text.counter("store_records_cancelled_total",
                 "Changes of the store that became unnecessary before they were written.", metrics.records_cancelled);
}

}  // namespace

std::string metrics_text(const broker::Metrics& metrics, const transport::TlsCounters& tls, std::string_view version,
                         Duration uptime) {
    Text text;
    text.family("build_info", "gauge", "The version of the broker as a label; the value is always 1.");
    text.sample("build_info", "version", version, 1);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
    text.gauge("uptime_seconds", "Seconds since the start of the broker.", static_cast<std::uint64_t>(seconds));
    add_clients(text, metrics);
    add_tls(text, tls);
    add_traffic(text, metrics.counters);
    add_losses(text, metrics.counters);
    add_memory(text, metrics);
    add_store(text, metrics);
    add_owners(text, metrics);
    return text.take();
}

}  // namespace ledge::admin
