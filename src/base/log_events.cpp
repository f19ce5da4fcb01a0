// The table of all log events, sorted by name. A new log line adds its row here in the same commit: the tidy check
// log_events compares each call of the log with its row, and the unit tests compare the lines that they see.
//
// A row: name, levels, fields, meaning, what to do. The levels are those that the line can have. A field with '?' is
// absent from some lines.
#include "ledge/base/log_events.hpp"

#include <algorithm>

#include "ledge/base/json.hpp"

namespace ledge {
namespace {

// clang-format off
constexpr LogEvent events[] = {
    {"accepting_paused", "warning", "listener reason turned_away pause_ms",
     "The system has no descriptor or memory left for another connection, so the listener closes new ones.",
     "Raise the limit of open files (LimitNOFILE= in the systemd unit, ulimit -n), or lower the number of clients."},
    {"accepting_slowed", "info", "listener reason",
     "More connections came in a second than the key in `reason` allows, so the listener accepts the next ones later.",
     "Nothing after a power cut, when all clients return at once; otherwise find a client that reconnects in a loop."},
    {"admin_token_wrong", "info warning", "address path blocked",
     "A request for a page showed a wrong token; with `blocked` the address is refused for a minute.",
     "Give the program at this address the token of admin.token_file, or keep the address out with a firewall."},
    {"authentication_hook_down", "error warning", "host? port? reason",
     "The authentication hook does not answer, so clients that it would have to judge cannot log in.",
     "Start the hook's server, or correct auth.http.url; `reason` says what the last attempt met."},
    {"authentication_hook_up", "info", "host",
     "The authentication hook answers again.",
     "Nothing."},
    {"client_connected", "info", "client_id user address listener version keep_alive_s session_present",
     "A client has logged in; `version` is 3 (MQTT 3.1), 4 (3.1.1) or 5.",
     "Nothing."},
    {"client_disconnected", "info warning", "client_id address by reason detail? rule? outbox_bytes? held_bytes?",
     "A connection that was logged in has ended; `by` says whether the client, the network or the broker ended it.",
     "With by=server, `detail` names the rule, the value and the key of the limit that was met."},
    {"client_id_fought_for", "warning", "client_id address other_address takeovers",
     "Two clients use one client id and throw each other out, so the broker lets each keep the session for 5 seconds.",
     "Give one of the two clients another client id."},
    {"client_throttled", "info", "client_id address listener messages_per_second bytes_per_second",
     "A client sends faster than its limit, so the broker reads from it more slowly; nothing is lost.",
     "Raise limits.messages_per_second or limits.bytes_per_second if the client may send that much."},
    {"commit_failed", "error", "reason",
     "A write to the store failed.",
     "Look at the disk and at the system's log; the store_failed line that follows says what the broker does now."},
    {"commit_healed", "warning", "waited_ms reason",
     "A commit that was postponed has succeeded: durable publications are accepted and acknowledged again.",
     "Find out what had filled the disk; `waited_ms` is the time during which nothing durable was accepted."},
    {"commit_postponed", "error", "reason outcome retry_max_ms fix",
     "A commit had no room on the disk; the broker keeps it and tries it again until it succeeds.",
     "Make room on the disk of the store; the line commit_healed follows by itself, a restart does not help."},
    {"commit_slow", "warning", "waiting_ms outcome",
     "The disk has been working on one commit for seconds, and nothing is acknowledged as durable meanwhile.",
     "Look at the health of the disk and at what else writes to it."},
    {"commit_slow_ended", "warning", "waited_ms reason",
     "The disk has finished the commit that took long; acknowledgements leave again.",
     "Nothing, unless the line comes often: then look at the disk."},
    {"configuration_applied", "info", "",
     "The configuration was read again, and all that has changed in it holds from now on.",
     "Nothing."},
    {"configuration_needs_restart", "warning", "keys",
     "The configuration was read again, and these changed keys take effect at the next start only.",
     "Restart the broker when it suits you, or undo the change."},
    {"configuration_refused", "error", "reason",
     "The configuration was read again and has a mistake, so everything stays as it was.",
     "Correct the named line, try it with `ledgemq check`, and send SIGHUP again."},
    {"configuration_unchanged", "info", "",
     "The configuration was read again, and no key has another value.",
     "Nothing."},
    {"connection_abandoned", "debug", "address listener",
     "A peer went away before its CONNECT was answered: a port scan, a health check, or a client that did not wait.",
     "Nothing; when clients do it, look for a slow authentication hook or a busy machine."},
    {"connection_dropped", "warning", "address reason",
     "The system refused something that a new connection needs, so the broker closed the connection.",
     "Look at `reason`; memory or descriptors are usually short."},
    {"connection_refused", "info warning", "address listener client_id? user? reason detail? rule? packet? limit?",
     "A connection was closed before it was logged in; `detail` names the rule, the value and the key of the limit.",
     "Correct the client, or raise the key that the line names."},
    {"http_refused", "info", "address status reason asked websocket_at origin subprotocols",
     "A request on a listener for WebSocket or for pages was refused; `asked` is the path of the request, "
     "`websocket_at` where the listener serves MQTT.",
     "Correct the path, the origin or the subprotocol (mqtt) in the client, or the url or websocket.origins of the "
     "listener."},
    {"incomplete_session_renewed", "warning", "client_id subscriptions_ended messages_kept",
     "Damage to the store has cost a session a part, so its client was told that no session is present.",
     "Nothing, if the client subscribes when no session is present; messages that could be read are still delivered."},
    {"limits_changed", "info", "keys",
     "The configuration was read again, and these limits have other values from now on, for connected clients too.",
     "Nothing."},
    {"listener_added", "info", "listener address",
     "The configuration was read again and has a listener that was not there; the broker listens on it from now on.",
     "Nothing."},
    {"listener_full", "warning", "listener limit connections_max open gave_way address",
     "A listener is full, so connections of the user or address that has most of them gave way to newcomers; "
     "`gave_way` counts them since the last line, `address` is the last one's.",
     "Find out why this address holds so many connections, or raise connections_max of the listener."},
    {"listener_not_added", "error", "listener reason outcome",
     "The configuration was read again and has a listener that was not there, but it cannot be served.",
     "Correct what the reason names and send SIGHUP again."},
    {"listener_note", "warning", "note",
     "The configuration allows something dangerous.",
     "Follow the note if the danger is not intended; `ledgemq check` prints the same notes."},
    {"listener_up", "info", "address waited_s",
     "An address that was not there when it was wanted has come up, and the broker listens on it.",
     "Nothing."},
    {"listener_waits", "warning", "address reason outcome",
     "An address of a listener is not there yet; the broker serves its other listeners and tries again.",
     "Nothing if the network comes up later; otherwise correct the listener's url (ip address shows what there is)."},
    {"log_level_changed", "warning", "",
     "The configuration was read again, and log.level has another value from now on.",
     "Nothing."},
    {"log_lines_left_out", "warning", "event address lines",
     "One address, or many together when `address` is empty, caused more lines of this event than are written.",
     "Look at the lines of the event that were written; keep the address out with a firewall if it is hostile."},
    {"log_lines_lost", "warning", "lines reason",
     "Whoever reads the broker's standard error was too slow or stopped, so lines of the log were left out.",
     "Look at the program that reads the log."},
    {"login_blocked", "warning", "address names reason key limit window_s block_s",
     "Too many logins of one user name from one address failed, so the broker refuses further ones of this name from "
     "there for a while; other names at the address still get in.",
     "Look at the login_failed lines before: correct the device's password, or keep the address out with a firewall."},
    {"login_failed", "info", "user client_id address reason",
     "A client was refused because its name, password, token or certificate is not accepted.",
     "Correct the client's credentials, or add the user with `ledgemq passwd`."},
    {"memory_pressure", "warning", "step used_bytes budget_bytes connections",
     "The broker uses nearly its whole memory budget and has begun to give memory back; `step` says how.",
     "Raise memory.budget_bytes, or find the clients with long queues."},
    {"memory_pressure_ended", "info", "used_bytes",
     "The broker uses less than its memory budget again.",
     "Nothing."},
    {"not_reloadable", "warning", "file reason fix",
     "A file could be read at the start and will not be readable when it changes.",
     "Do what `fix` says."},
    {"not_started", "error", "reason fix",
     "The broker could not start, and ends.",
     "Do what `fix` says."},
    {"nothing_is_stored", "warning", "outcome fix",
     "The broker has no store, so nothing survives its end.",
     "Name a directory with --store or store.path, unless everything may be lost with the broker."},
    {"out_of_memory", "error", "reason",
     "The system refused memory, so the broker ended at once; what it had acknowledged as durable is in the store.",
     "Lower memory.budget_bytes below what the system gives the broker, and let a service manager start it again."},
    {"owner_over_share", "warning", "owner client_id share_of stored_bytes share_bytes waiting_bytes limit outcome",
     "One user or address holds more of the store than its share, so its durable publications are refused for now.",
     "Find out why nobody takes its messages, or raise store.size_max_bytes if it may keep so many."},
    {"policy_loaded", "info", "users token_keys rules",
     "The files of users and rights were read again and are in force.",
     "Nothing."},
    {"policy_note", "warning", "note",
     "The files of users and rights allow something dangerous or unusual.",
     "Follow the note if it is not intended."},
    {"policy_refused", "error", "reason",
     "A file of users or rights has changed and has a mistake, so what was in force stays in force.",
     "Correct the named line; the broker reads the file again by itself."},
    {"privileges_given_up", "info", "user",
     "The broker started as root and is the named user from now on.",
     "Nothing."},
    {"proxy_refused", "warning", "address reason",
     "A connection to a listener with proxy_protocol did not begin with an acceptable PROXY header.",
     "Let the proxy send the header, and name its address in proxy_from."},
    {"publish_dropped", "debug", "client_id topic reason bytes",
     "A message was not sent to a subscriber because it is larger than the subscriber accepts.",
     "Raise the Maximum Packet Size of the client, or send smaller messages."},
    {"publish_dropping", "warning", "client_id topic reason limit queued",
     "A queue of messages for a client is full, so further messages for this client are dropped.",
     "Raise the limit that `limit` names, or let the client read faster or return sooner."},
    {"publish_dropping_ended", "info", "client_id dropped",
     "A queue that was full takes messages again; `dropped` is how many were lost meanwhile.",
     "Nothing."},
    {"publish_refused", "info", "client_id address topic reason rule",
     "A client's PUBLISH was refused; `rule` is the rule of the ACL or the key of the limit that was met.",
     "Give the client the right (ask `ledgemq explain`), raise the key, or correct the client."},
    {"queue_dropped", "warning", "client_id messages reason limit",
     "Messages that waited for a client were dropped to give memory back.",
     "Raise memory.budget_bytes, or use a store, which keeps waiting messages on disk."},
    {"ready", "info", "addresses version descriptors_max",
     "The broker has started, and clients can connect to these addresses.",
     "Nothing."},
    {"retained_refused", "warning", "client_id topic reason limit messages bytes",
     "A retained message was not kept because a limit or the memory budget is reached.",
     "Raise retained.messages_max, retained.bytes_max or memory.budget_bytes, or remove old retained messages."},
    {"session_expired", "info", "client_id queued",
     "A client stayed away longer than its session lasts, so its session and its waiting messages are removed.",
     "Nothing; the client asks for a longer Session Expiry Interval if it needs one."},
    {"session_gave_way", "warning", "client_id owner owner_sessions owner_bytes limit sessions",
     "Sessions without a connection and without messages ended, because the limit is reached and their owner has most.",
     "Find out why this owner leaves sessions behind, shorten limits.session_expiry_max_s, or raise `limit`."},
    {"session_of_another_user", "warning", "client_id owner user address",
     "A client asked for a session that belongs to another user, and was refused.",
     "Give one of the two clients another client id."},
    {"session_removed", "warning", "client_id owner reason messages",
     "A session was ended with its subscriptions and waiting messages; `reason` says for whom.",
     "Nothing, if the removal was wanted."},
    {"stopped", "info", "",
     "The broker has ended in order.",
     "Nothing."},
    {"stopping", "info", "signal",
     "The broker was asked to end, and closes its connections.",
     "Nothing; a second signal ends the broker at once."},
    {"store_abandoned", "error", "reason waited_ms outcome",
     "The broker stops although the disk has not finished a commit.",
     "Look at the disk; messages that were acknowledged at level durable are in the store all the same."},
    {"store_bad_row", "error", "table key reason",
     "A row of the store is not as it was written; the row is left out. Only the first 20 are named.",
     "Look at the disk: storage that changes bits will go on to do so."},
    {"store_bad_rows", "error", "rows incomplete",
     "The store holds rows that are not as they were written; `incomplete` sessions have lost some of their rows.",
     "Look at the disk; clients of incomplete sessions are told that no session is present, and subscribe anew."},
    {"store_bad_rows_moved", "error", "rows path",
     "The rows that are not as they were written were moved from the store to the file `path`.",
     "Look into the file if something in it is missed, and remove the file."},
    {"store_bad_rows_not_moved", "error", "reason",
     "The rows that are not as they were written could not be moved to a file, and stay in the store, unused.",
     "Make room on the disk, or correct the rights of the store's directory; the next start tries again."},
    {"store_check_unfinished", "warning", "path reason",
     "The check of the store after an unclean end could not look at everything.",
     "Look at `reason`, and run `ledgemq store verify` when the broker is stopped."},
    {"store_failed", "error", "outcome",
     "The store cannot be written any more, so nothing is acknowledged as durable until a restart.",
     "Look at the disk and at the commit_failed line before, then restart the broker."},
    {"store_finishing", "info", "reason",
     "The broker stops and waits for the disk to finish a commit.",
     "Nothing; the wait ends with the line stopped, or with store_abandoned after its bound."},
    {"store_folder_group_writable", "warning", "path outcome fix",
     "Every member of the group of the store's folder can replace or delete the store.",
     "Take the right away with chmod g-w, unless the volume is meant to be shared."},
    {"store_full", "error", "used_percent limit outcome",
     "The store is nearly full, so durable publications are refused.",
     "Raise store.size_max_bytes, make room on the disk, or let the clients with long queues read them."},
    {"store_has_room", "info", "used_percent",
     "The store has room again, so durable publications are accepted.",
     "Nothing."},
    {"store_lost", "error", "path reason outcome fix",
     "The store's file is missing or empty although a broker has used this folder, so the broker starts with nothing.",
     "Stop the broker and bring a backup back with `ledgemq store restore`; find out who removed the file."},
    {"store_meta_damaged", "error", "path reason recovered_from next_number clock_s",
     "The row with the store's numbers and clock is damaged, and was made anew from its copy or from the other rows.",
     "Look at the disk; after a recovery from the rows, what has an expiry lives a little longer."},
    {"store_open", "info", "path bytes bytes_max",
     "The store is open.",
     "Nothing."},
    {"store_postponed", "error", "reason outcome fix",
     "The disk has no room for a new store, so the broker serves without its file until there is room.",
     "Make room on the disk of the store; the file is made by itself."},
    {"store_quarantined", "error", "path kept_as reason",
     "The store's file is damaged; the file was put aside, and what still reads was copied to a new one.",
     "Look at the disk; keep the file in `kept_as` if you want to have it examined."},
    {"store_read_failed", "error", "reason",
     "The store could not be read.",
     "Look at the disk and at the system's log."},
    {"store_salvaged", "error", "sessions subscriptions queued messages retained bad_rows misfits incomplete clock",
     "This is what could be copied from the damaged store.",
     "Compare the numbers with what you expect; clients whose sessions are missing subscribe again."},
    {"store_unfinished", "error", "reason outcome",
     "The broker has stopped while the disk had no room for the last commit.",
     "Make room on the disk of the store before the next start."},
    {"store_unusable", "error", "reason outcome fix",
     "The store cannot be used, and store.if_unusable says to start without it; nothing is kept in this run.",
     "Mend what `reason` names, and restart the broker."},
    {"store_upgraded", "info", "path from_version to_version rows",
     "A store of an earlier version of the broker was taken over; the earlier version cannot read the store any more.",
     "Nothing."},
    {"stored_exchange_unusable", "error", "client_id row",
     "A stored message that was on its way to a client cannot be continued.",
     "Run `ledgemq store verify` when the broker is stopped."},
    {"stored_message_unreadable", "error", "client_id row",
     "A message that waits for a client cannot be read from the store, and is left out.",
     "Look at the disk, and run `ledgemq store verify` when the broker is stopped."},
    {"stored_session_unreadable", "error", "number",
     "A stored session cannot be read, and is left out.",
     "Look at the disk, and run `ledgemq store verify` when the broker is stopped."},
    {"stored_subscription_unusable", "error", "client_id row",
     "A stored subscription cannot be read or is there twice, so its session is incomplete.",
     "Look at the disk; the client is told that no session is present, and subscribes anew."},
    {"strangers_refused", "warning", "connections address unfinished_bytes limit_bytes reason limit",
     "Connections that had not logged in were closed, because their unfinished packets took more memory than they may.",
     "Keep the address out with a firewall if it is not yours; lower limits.connect_packet_max_bytes."},
    {"subscribe_refused", "info", "client_id address filter reason rule? key? value? limit?",
     "A subscription was refused, by the `rule` of the ACL, or because `value` is beyond the limit that `key` sets.",
     "Give the client the right (ask `ledgemq explain`), raise the key, or correct the client."},
    {"subscription_revoked", "info", "client_id filter rule",
     "The rules have changed, and a client may not read any longer what it had subscribed to.",
     "Nothing, if the change of the rules was intended."},
    {"tls_agreed", "debug info", "listener address user version cipher alpn resumed",
     "A TLS handshake has succeeded.",
     "Nothing."},
    {"tls_note", "warning", "listener note",
     "The files of a TLS listener have something unusual.",
     "Follow the note if it is not intended."},
    {"tls_refused", "info warning", "listener address reason of_this_address? key? limit? refused?",
     "A TLS handshake failed; `reason` names the alert of the client or what the broker did not accept.",
     "Look at `reason`: it says whether the client or the files of the listener must change."},
    {"tls_reload_failed", "error", "listener reason in_service",
     "The files of a TLS listener have changed and cannot be used, so the former ones stay in service.",
     "Correct the files; the broker reads them again by itself."},
    {"tls_reloaded", "info", "listener",
     "The changed files of a TLS listener are in service.",
     "Nothing."},
    {"tls_revoked", "warning", "listener user reason",
     "A connected client was disconnected because its certificate has been revoked.",
     "Nothing, if the revocation was intended."},
    {"user_throttled", "info", "user connections client_id address listener user_messages_per_second "
     "user_bytes_per_second",
     "The connections of a user together send faster than the user's limit, so the broker reads them more slowly.",
     "Raise limits.user_messages_per_second or limits.user_bytes_per_second if the user may send that much."},
    {"websocket_ended", "info", "address reason",
     "A WebSocket connection ended because the client broke a rule of WebSocket.",
     "Correct the client; `reason` names the rule."},
    {"will_ignored", "warning", "client_id address topic rule",
     "A bridge connected with a will below $SYS/broker/connection, which the rules forbid; it has no will.",
     "Let the bridge write there, or set `notifications false` in its mosquitto.conf; everything else works."},
    {"will_published", "info", "client_id topic",
     "A client went away without a DISCONNECT, so its will was published.",
     "Nothing."},
    {"will_refused", "info", "client_id topic rule",
     "A will was not published because the rules have changed and forbid its topic.",
     "Nothing, if the change of the rules was intended."},
    {"write_budget_passed", "warning", "day_bytes limit_bytes limit bytes_by_owner",
     "More than store.daily_write_budget_bytes was written in 24 hours; `bytes_by_owner` says who wrote most.",
     "Let these owners publish less, or make their topics relaxed with [[store.levels]]."},
};
// clang-format on

/// Takes the next word off the front; empty at the end.
std::string_view next_word(std::string_view& words) {
    const std::size_t begin = std::min(words.find_first_not_of(' '), words.size());
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    const std::string_view word = words.substr(begin, end - begin);
    words.remove_prefix(end);
    return word;
}

bool has_word(std::string_view words, std::string_view wanted) {
    for (std::string_view word = next_word(words); !word.empty(); word = next_word(words)) {
        if (word == wanted) return true;
    }
    return false;
}

bool has_field(const LogRecord& record, std::string_view key) {
    return std::ranges::any_of(record.fields, [key](const LogField& field) { return field.key == key; });
}

std::string mismatch_of_fields(const LogRecord& record, std::string_view declared) {
    for (const LogField& field : record.fields) {
        if (!has_word(declared, field.key) && !has_word(declared, std::string(field.key) + '?'))
            return "the field '" + std::string(field.key) + "' is not declared";
    }
    for (std::string_view word = next_word(declared); !word.empty(); word = next_word(declared)) {
        if (!word.ends_with('?') && !has_field(record, word)) return "the field '" + std::string(word) + "' is missing";
    }
    return {};
}

void print_paragraph(const LogEvent& event, std::string& out) {
    out.append(event.name).append(" (").append(event.levels).append(")\n");
    if (!event.fields.empty()) out.append("    Fields: ").append(event.fields).append("\n");
    out.append("    ").append(event.meaning).append("\n");
    out.append("    What to do: ").append(event.action).append("\n\n");
}

void print_object(const LogEvent& event, std::string& out) {
    JsonWriter json;
    json.text("name", event.name);
    json.text("levels", event.levels);
    json.text("fields", event.fields);
    json.text("meaning", event.meaning);
    json.text("action", event.action);
    out += json.finish();
}

}  // namespace

std::span<const LogEvent> log_events() { return events; }

const LogEvent* find_log_event(std::string_view name) {
    const auto* const found = std::ranges::lower_bound(events, name, {}, &LogEvent::name);
    return found != std::end(events) && found->name == name ? found : nullptr;
}

std::string mismatch_with_table(const LogRecord& record) {
    const std::string event(record.event);
    const LogEvent* row = find_log_event(record.event);
    if (row == nullptr) return event + ": the event is not in the table (src/base/log_events.cpp)";
    if (!has_word(row->levels, name_of(record.level)))
        return event + ": the level '" + std::string(name_of(record.level)) + "' is not declared";
    const std::string wrong = mismatch_of_fields(record, row->fields);
    return wrong.empty() ? wrong : event + ": " + wrong;
}

void print_log_events(bool is_json, std::string& out) {
    for (const LogEvent& event : events) is_json ? print_object(event, out) : print_paragraph(event, out);
}

}  // namespace ledge
