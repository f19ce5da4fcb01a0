#include "ledge/admin/metrics_text.hpp"

#include <cstdint>

namespace ledge::admin {
namespace {

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
        add({"# HELP ledgemq_", name, " ", help, "\n# TYPE ledgemq_", name, " ", type, "\n"});
    }
    void sample(std::string_view name, std::uint64_t value) {
        add({"ledgemq_", name, " ", std::to_string(value), "\n"});
    }
    /// One sample for each owner; a family without samples is left out.
    void owners(std::string_view name, std::string_view type, std::string_view help,
                const std::vector<session::OwnerFigure>& figures) {
        if (figures.empty()) return;
        family(name, type, help);
        for (const session::OwnerFigure& figure : figures) sample(name, "owner", escaped(figure.owner), figure.value);
    }
    /// `value_of_label` has no character that would need an escape.
    void sample(std::string_view name, std::string_view label, std::string_view value_of_label, std::uint64_t value) {
        add({"ledgemq_", name, "{", label, "=\"", value_of_label, "\"} ", std::to_string(value), "\n"});
    }

    std::string take() { return std::move(out_); }

private:
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

void add_traffic(Text& text, const session::Counters& c) {
    text.counter("received_bytes_total", "Bytes from clients, of MQTT packets.", c.bytes_received);
    text.counter("sent_bytes_total", "Bytes to clients, of MQTT packets.", c.bytes_sent);
    text.counter("packets_received_total", "MQTT packets from clients.", c.packets_received);
    text.counter("packets_sent_total", "MQTT packets to clients.", c.packets_sent);
    text.counter("publish_received_total", "PUBLISH packets from clients.", c.publish_received);
    text.counter("publish_sent_total", "PUBLISH packets to clients.", c.publish_sent);
    text.counter("publish_payload_received_bytes_total", "Payload of the PUBLISH packets from clients.",
                 c.publish_bytes_received);
    text.counter("publish_payload_sent_bytes_total", "Payload of the PUBLISH packets to clients.",
                 c.publish_bytes_sent);
    text.counter("wills_published_total", "Will messages published.", c.wills_published);
}

void add_losses(Text& text, const session::Counters& c) {
    constexpr std::string_view dropped = "publications_dropped_total";
    text.family(dropped, "counter", "Publications that did not reach a session they were routed to.");
    for (const session::DropCounter& part : session::drop_counters)
        text.sample(dropped, "reason", part.reason, c.*part.count);
    constexpr std::string_view refused = "publications_refused_total";
    text.family(refused, "counter", "Publications whose publisher was told that they are not taken.");
    text.sample(refused, "reason", "quota", c.refused_quota);
    text.sample(refused, "reason", "owner_share", c.refused_share);
    text.sample(refused, "reason", "retained_full", c.retained_refused);
    text.counter("not_allowed_total", "Publications and subscriptions that the access control list denies.",
                 c.refused_not_allowed);
}

void add_clients(Text& text, const broker::Metrics& metrics) {
    const session::Counters& c = metrics.counters;
    text.counter("connections_opened_total", "Connections that were accepted.", c.connections_opened);
    text.counter("connects_received_total", "CONNECT packets from clients, accepted or not.", c.connects_received);
    text.counter("connections_refused_total", "Connections that were refused, before or by CONNACK.",
                 c.connections_refused);
    text.counter("connections_gave_way_total",
                 "Clients that were disconnected from a full listener for the sake of users or addresses with fewer "
                 "connections.",
                 c.connections_gave_way);
    text.counter("clients_throttled_total", "Episodes of clients that sent faster than they may.", c.clients_throttled);
    text.counter("users_throttled_total", "The same of users, by all their connections together.", c.users_throttled);
    text.counter("read_pauses_total", "How often such a client was not read for a while.", c.read_pauses);
    text.counter("accept_pauses_total", "How often a listener let new connections wait.", c.accept_pauses);
    text.gauge("connections_paused", "Connections that are not read for now.", metrics.connections_paused);
    text.counter("login_failures_total", "Wrong user names or passwords.", c.login_failures);
    text.counter(
        "subscribe_steps_total",
        "Work for SUBSCRIBE and UNSUBSCRIBE: entries looked at, comparisons with subscriptions and with rules.",
        c.subscribe_steps);
    text.counter("protocol_errors_total", "Connections closed for what the client sent.", c.protocol_errors);
    text.counter("keep_alive_timeouts_total", "Connections closed because nothing came in time.",
                 c.keep_alive_timeouts);
    text.counter("takeovers_total", "Connections replaced by another one of the same client id.", c.takeovers);
    text.counter("takeovers_delayed_total",
                 "Connections that had to wait because several clients use one client id, again and again.",
                 c.takeovers_delayed);
    text.counter("sessions_expired_total", "Sessions that ended because their client did not come back in time.",
                 c.sessions_expired);
    constexpr std::string_view policies = "policy_reloads_total";
    text.family(policies, "counter", "Users and rights read again, and what became of them.");
    text.sample(policies, "outcome", "taken", c.policies_taken);
    text.sample(policies, "outcome", "refused", c.policies_refused);
    text.gauge("connections", "Open connections, with or without CONNECT yet.", metrics.connections);
    text.gauge("clients_connected", "Clients that are connected.", metrics.clients_connected);
    text.gauge("clients_connected_max", "The most clients that were connected at once.", metrics.clients_connected_max);
    text.gauge("sessions", "Sessions, of clients that are connected and of others.", metrics.sessions);
    text.gauge("subscriptions", "Subscriptions of all sessions.", metrics.subscriptions);
    text.gauge("shared_subscriptions", "Shared subscriptions of all sessions, which are among them.",
               metrics.shared_subscriptions);
}

void add_tls(Text& text, const transport::TlsCounters& tls) {
    constexpr std::string_view handshakes = "tls_handshakes_total";
    text.family(handshakes, "counter", "Peers that wanted TLS, by what came of it.");
    text.sample(handshakes, "result", "full", tls.full);
    text.sample(handshakes, "result", "resumed", tls.resumed);
    text.sample(handshakes, "result", "failed", tls.failed);
    text.sample(handshakes, "result", "refused", tls.refused);
}

void add_memory(Text& text, const broker::Metrics& metrics) {
    text.gauge("queued_messages", "Messages waiting in sessions, those in flight included.",
               metrics.counters.queued_messages);
    text.gauge("queued_bytes", "Size of the messages waiting in sessions, without those in flight.",
               metrics.counters.queued_bytes);
    text.gauge("retained_messages", "Topics with a retained message, those of $SYS included.",
               metrics.retained_messages);
    text.gauge("retained_bytes", "Size of the retained messages.", metrics.retained_bytes);
    text.gauge("memory_used_bytes", "Anonymous memory of the process in bytes, as its budget counts it.",
               metrics.memory_used);
    text.gauge("memory_budget_bytes", "Memory budget of the process in bytes; 0 = unlimited.", metrics.memory_budget);
    text.gauge("memory_pressure",
               "0: none; 1: QoS 0 messages for slow readers are dropped; 2: also, owners with many sessions get no "
               "more of them; 3: also, those who hold most give way.",
               static_cast<std::uint64_t>(metrics.memory_pressure));
    text.counter("clients_refused_memory_total", "CONNECT packets refused for want of memory.",
                 metrics.counters.refused_memory);
    text.counter("clients_disconnected_memory_total",
                 "Clients disconnected for want of memory because most was kept for them.",
                 metrics.counters.disconnected_memory);
    text.counter("strangers_gave_way_total",
                 "Connections closed before their CONNECT was accepted because unfinished packets exceeded their share "
                 "of the memory budget.",
                 metrics.counters.strangers_gave_way);
    text.counter(
        "sessions_gave_way_total",
        "Sessions ended, without a connection and without messages, because sessions_max was reached or memory "
        "was short.",
        metrics.counters.sessions_gave_way);
}

void add_owners(Text& text, const broker::Metrics& metrics) {
    text.owners("owner_table_bytes", "gauge",
                "Memory of the sessions and subscriptions of an owner (a user, or the network of anonymous clients), "
                "for the ten largest.",
                metrics.owners_by_table_bytes);
    if (!metrics.store.is_used) return;
    text.owners("owner_stored_bytes", "gauge",
                "Size of the messages in the store that an owner has published since the start, for the ten largest.",
                metrics.owners_by_stored_bytes);
    text.owners("owner_written_bytes_total", "counter",
                "Bytes handed to the store because of an owner, for the ten largest.", metrics.owners_by_written_bytes);
}

void add_store(Text& text, const broker::Metrics& metrics) {
    const broker::StoreFigures& store = metrics.store;
    text.gauge("store_enabled", "1 with a store, 0 when nothing survives the broker.", store.is_used ? 1 : 0);
    text.gauge("store_unusable", "1 when a store is configured that could not be used at the start.",
               store.beginning == broker::Beginning::unusable ? 1 : 0);
    if (!store.is_used) return;
    text.gauge("store_failed", "1 when the store could not be written: nothing is acknowledged as durable any more.",
               metrics.is_store_failed ? 1 : 0);
    text.gauge("store_full", "1 while durable publications are refused for want of room.",
               metrics.is_store_full ? 1 : 0);
    text.gauge("store_postponed", "1 while a commit that had no room on the disk is tried again.",
               store.is_postponed ? 1 : 0);
    text.counter("store_postponements_total", "How often commits had no room on the disk, by episodes.",
                 store.postponements);
    text.gauge(
        "store_waiting_seconds", "How long the present commit has been waiting for the disk; 0: none does.",
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(metrics.store_waited).count()));
    text.gauge("store_lost", "1 when the broker found the file of a former store missing or empty at its start.",
               store.beginning == broker::Beginning::lost ? 1 : 0);
    text.gauge("store_salvaged", "1 when the broker found a damaged store at its start and kept what could be read.",
               store.beginning == broker::Beginning::salvaged ? 1 : 0);
    text.counter("store_commits_total", "Transactions written.", store.commits);
    constexpr std::string_view given = "store_given_bytes_total";
    text.family(given, "counter", "Bytes of keys and bodies handed to the store, by what they are of.");
    for (std::size_t i = 0; i < journal::write_classes; ++i) {
        text.sample(given, "class", journal::write_class_names[i], store.given[i]);
    }
    text.counter("store_device_bytes_total", "Bytes written to the device, in pages.", store.device_bytes);
    text.counter("store_bad_rows_total", "Rows that could not be read as they were written, and were put aside.",
                 store.bad_rows);
    text.counter("store_records_cancelled_total", "Changes that became unnecessary before they were written.",
                 metrics.records_cancelled);
}

}  // namespace

std::string metrics_text(const broker::Metrics& metrics, const transport::TlsCounters& tls, std::string_view version,
                         Duration uptime) {
    Text text;
    text.family("build_info", "gauge", "The version, as a label; the value is 1.");
    text.sample("build_info", "version", version, 1);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
    text.gauge("uptime_seconds", "Since the broker was started.", static_cast<std::uint64_t>(seconds));
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
