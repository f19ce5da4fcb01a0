// The table of all log events, sorted by name. Whoever adds a log line to the code adds its row here in the same
// commit: the tidy check log_events compares each call of the log with its row, and the tests compare each line.
//
// A row has a name, levels, fields, a meaning, and an action for the operator. The levels are all levels that the line
// can have. A field with '?' is absent from some lines.
#include "ledge/base/log_events.hpp"

#include <algorithm>

#include "ledge/base/json.hpp"

namespace ledge {
namespace {

// clang-format off
constexpr LogEvent events[] = {
    {"accepting_paused", "warning", "listener reason turned_away pause_ms",
     "The system has no file descriptor or no memory left for another connection, so the listener closes new "
     "connections.",
     "Raise the limit of open files (LimitNOFILE= in the systemd unit, ulimit -n), or lower the number of clients."},
    {"accepting_slowed", "info", "listener reason",
     "More connections came in one second than the key in `reason` allows, so the listener accepts the next ones "
     "later.",
     "Nothing after a power cut, when all clients return at once; otherwise find the client that reconnects in a "
     "loop."},
    {"admin_token_wrong", "info warning", "address path blocked",
     "A request for an admin page came with a wrong token; with `blocked`, the broker refuses the address for a "
     "minute.",
     "Give the program at this address the token of admin.token_file, or keep the address out with a firewall."},
    {"authentication_hook_down", "error warning", "host? port? reason",
     "The authentication hook does not answer, so no client can log in whose login the hook must decide.",
     "Start the hook's server, or correct auth.http.url; `reason` describes the last attempt."},
    {"authentication_hook_up", "info", "host",
     "The authentication hook answers again.",
     "Nothing."},
    {"bridge_connected", "info", "bridge server protocol",
     "The upstream has accepted the bridge's connection; `protocol` is the MQTT version in use.",
     "Nothing."},
    {"bridge_ended", "info warning", "bridge server reason code lasted_s",
     "A connection of the bridge to the upstream has ended; messages wait until the bridge has connected again.",
     "Nothing if the network explains `reason`; `code` is the upstream's MQTT reason code, or 0."},
    {"bridge_filter_problem", "warning", "bridge problem filter code",
     "A subscription of the bridge was refused or granted with a lower QoS, by the upstream or by the local broker.",
     "Correct the bridge's routes or the rights of the bridge; `problem` says which side has answered so."},
    {"bridge_local_problem", "warning", "bridge reason",
     "The session of the bridge at this broker is not as its routes need it, so messages may not wait in it.",
     "Act on `reason`; the bridge itself goes on."},
    {"bridge_message_problem", "warning", "bridge problem topic code reason skipped",
     "The bridge could not pass a message on; `skipped` counts further messages of this kind since the last such line.",
     "Compare `reason` with the limits of the upstream; with set_aside, the message is below the dead letter topic."},
    {"bridge_password_problem", "warning", "bridge reason",
     "The bridge could not make its next password; the connection stays until the upstream ends it.",
     "Act on `reason` before the present password ends; the bridge tries again until then."},
    {"bridge_password_remark", "warning", "bridge text",
     "The program of password_command has written `text` to its standard error, whether it has made a password or not.",
     "Nothing if the program means no warning by it; after a failure it may say why."},
    {"bridge_priority_left", "info", "client_id messages",
     "The bridge has no queue.priority any more; the messages that wait in the queue of it are sent by a connection of "
     "their own, and then this queue is removed.",
     "If the upstream refuses the second connection, remove the session: `ledgemq sessions remove`."},
    {"bridge_queue_filling", "warning", "bridge time_to_full_s messages messages_max bytes bytes_max",
     "If messages go on coming and leaving as now, the bridge's queue will be full in `time_to_full_s`; then "
     "queue.overflow decides which messages are lost.",
     "Bring the upstream back or raise queue.messages_max and queue.bytes_max; queue.warn_time_to_full_s is the "
     "threshold of this warning."},
    {"bridge_queue_filling_ended", "info", "bridge messages",
     "The bridge's queue does not grow any more, or will not be full for a long time.",
     "Nothing."},
    {"bridge_returns", "info", "bridge server",
     "The preferred server of the upstream can be reached again, so the bridge changes to this server.",
     "Nothing."},
    {"bridge_running", "info", "bridge",
     "All subscriptions of the bridge are answered, and messages pass in both directions.",
     "Nothing."},
    {"bridge_session_left", "warning", "client_id messages",
     "The store has the session of a bridge that is not in the configuration; its messages stay, and no more come.",
     "Configure the bridge again, or remove the session: DELETE /api/v1/sessions/ID, or `ledgemq sessions remove`."},
    {"bridge_tls_problem", "error", "bridge reason",
     "The TLS files of the bridge have a mistake; the former files stay in use if there were any.",
     "Correct the file that `reason` names; the next attempt to connect reads the files again."},
    {"bridge_unreachable", "warning", "bridge server reason retry_ms",
     "The bridge could not connect to this server of the upstream and tries again after `retry_ms`.",
     "Check the network, the server's address and, if `reason` speaks of TLS, the certificates."},
    {"bridge_upstream_problem", "warning", "bridge problem",
     "The upstream behaves in a way that may cost messages or order; `problem` names the behaviour.",
     "With client_id_in_use, give the bridge a client id of its own; otherwise check the upstream's sessions and QoS."},
    {"client_connected", "info", "client_id user address listener version keep_alive_s session_present",
     "A client has logged in; `version` is 3 (MQTT 3.1), 4 (3.1.1) or 5.",
     "Nothing."},
    {"client_disconnected", "info warning", "client_id address by reason detail? rule? outbox_bytes? held_bytes?",
     "A logged-in connection has ended; `by` says whether the client, the network or the broker has ended the "
     "connection.",
     "With by=server, `detail` names the rule, the value and the configuration key of the limit that was reached."},
    {"client_id_fought_for", "warning", "client_id address other_address takeovers",
     "Two clients use the same client id and disconnect each other again and again, so the broker lets each one keep "
     "the session for 5 seconds.",
     "Give one of the two clients another client id."},
    {"client_throttled", "info", "client_id address listener messages_per_second bytes_per_second",
     "A client sends faster than its limit, so the broker reads from this client more slowly; no message is lost.",
     "Raise limits.messages_per_second or limits.bytes_per_second if the client may send that much."},
    {"commit_failed", "error", "reason",
     "A write to the store failed.",
     "Check the disk and the system's log; the store_failed line that follows says what the broker does now."},
    {"commit_healed", "warning", "waited_ms reason",
     "A postponed commit has succeeded, so the broker accepts and acknowledges durable publications again.",
     "Find out what had filled the disk; `waited_ms` is the time during which the broker accepted no durable "
     "publication."},
    {"commit_postponed", "error", "reason outcome retry_max_ms fix",
     "The disk had no room for a commit; the broker keeps the commit and tries again until the commit succeeds.",
     "Make room on the disk of the store; the line commit_healed follows by itself, and a restart does not help."},
    {"commit_slow", "warning", "waiting_ms outcome",
     "The disk has been working on one commit for seconds; until the commit ends, the broker acknowledges nothing as "
     "durable.",
     "Check the health of the disk, and find out which other programs write to the disk."},
    {"commit_slow_ended", "warning", "waited_ms reason",
     "The disk has finished a slow commit, and the broker sends acknowledgements again.",
     "Nothing, unless this line comes often; then check the disk."},
    {"configuration_applied", "info", "",
     "The configuration was read again, and all changes are in force.",
     "Nothing."},
    {"configuration_needs_restart", "warning", "keys",
     "The configuration was read again, but the changes of these keys take effect only at the next start.",
     "Restart the broker at a convenient time, or undo the change."},
    {"configuration_refused", "error", "reason",
     "The configuration was read again and has a mistake, so the broker keeps its previous settings.",
     "Correct the line that `reason` names, check the file with `ledgemq check`, and send SIGHUP again."},
    {"configuration_unchanged", "info", "",
     "The configuration was read again, and no key has changed.",
     "Nothing."},
    {"connection_abandoned", "debug", "address listener",
     "A peer closed the connection before the broker had answered its CONNECT: a port scan, a health check, or a "
     "client that did not wait.",
     "Nothing; if your own clients cause this line, look for a slow authentication hook or an overloaded machine."},
    {"connection_dropped", "warning", "address reason",
     "The system refused a resource that a new connection needs, so the broker closed the connection.",
     "Read `reason`; usually the system lacks memory or file descriptors."},
    {"connection_refused", "info warning", "address listener client_id? user? reason detail? rule? packet? limit?",
     "A connection was closed before its login; `detail` names the rule, the value and the configuration key of the "
     "limit.",
     "Correct the client, or raise the limit that the line names."},
    {"http_refused", "info", "address status reason asked websocket_at origin subprotocols",
     "A request to a listener for WebSocket or web pages was refused; `asked` is the path of the request, and "
     "`websocket_at` is the path where the listener serves MQTT.",
     "Correct the path, the origin or the subprotocol (mqtt) in the client, or correct the url or the "
     "websocket.origins of the listener."},
    {"incomplete_session_renewed", "warning", "client_id subscriptions_ended messages_kept",
     "Damage to the store has destroyed a part of a session, so the broker told the client that no session is "
     "present.",
     "Nothing, if the client subscribes again in this case; the messages that are still readable will be delivered."},
    {"limits_changed", "info", "keys",
     "The configuration was read again, and these limits have new values, also for connected clients.",
     "Nothing."},
    {"listener_added", "info", "listener address",
     "The configuration was read again and contains a new listener, and the broker listens on its address now.",
     "Nothing."},
    {"listener_full", "warning", "listener limit connections_max open gave_way address",
     "A listener has no room for further connections, so the broker closed connections of the user or address with "
     "most connections in favour of new ones; `gave_way` counts them since the last line, and `address` is the "
     "address of the last one.",
     "Find out why this address has so many connections, or raise connections_max of the listener."},
    {"listener_not_added", "error", "listener reason outcome",
     "The configuration was read again and contains a new listener, but the broker cannot serve this listener.",
     "Correct what `reason` names, and send SIGHUP again."},
    {"listener_note", "warning", "note",
     "The configuration allows something dangerous.",
     "Follow the note, unless you accept this danger; `ledgemq check` prints the same notes."},
    {"listener_up", "info", "address waited_s",
     "An address that did not exist when the broker first wanted to listen on it exists now, and the broker listens "
     "on it.",
     "Nothing."},
    {"listener_waits", "warning", "address reason outcome",
     "The address of a listener does not exist yet; the broker serves its other listeners and tries again.",
     "Nothing, if the network starts later; otherwise correct the listener's url (ip address shows the existing "
     "addresses)."},
    {"log_level_changed", "warning", "",
     "The configuration was read again, and log.level has a new value.",
     "Nothing."},
    {"log_lines_left_out", "warning", "event address lines",
     "One address, or many addresses together if `address` is empty, caused more lines of this event than the broker "
     "writes.",
     "Read the lines of the event that were written; block the address with a firewall if it is hostile."},
    {"log_lines_lost", "warning", "lines reason",
     "The program that reads the broker's standard error was too slow or had stopped, so log lines were dropped.",
     "Check the program that reads the log."},
    {"login_blocked", "warning", "address names reason key limit window_s block_s",
     "Too many logins of one user name from one address failed, so the broker refuses this name from this address for "
     "a while; other names may still log in from there.",
     "Read the login_failed lines before this one; correct the device's password, or block the address with a "
     "firewall."},
    {"login_failed", "info", "user client_id address reason",
     "A client was refused because the broker does not accept its name, password, token or certificate.",
     "Correct the client's credentials, or add the user with `ledgemq passwd`."},
    {"memory_pressure", "warning", "step used_bytes budget_bytes connections",
     "The broker uses nearly its whole memory budget and has begun to free memory; `step` names the measure.",
     "Raise memory.budget_bytes, or find the clients with long queues."},
    {"memory_pressure_ended", "info", "used_bytes",
     "The memory use of the broker is below its budget again.",
     "Nothing."},
    {"mqttsn_counters_unread", "error", "listener file reason",
     "The file with the counters of MQTT-SN devices that have a key cannot be read after a change of its name.",
     "Act on `reason`; the broker goes on with the counters that it has in memory."},
    {"mqttsn_counters_unwritten", "error", "listener file reason",
     "The file with the counters of MQTT-SN devices that have a key cannot be written, so these devices cannot connect. "
     "The broker tries again every 5 s.",
     "Act on `reason`: free space on the disk, or let the user of the broker write into the folder of `file`."},
    {"mqttsn_counters_written", "info", "listener file",
     "The file with the counters of MQTT-SN devices that have a key was written again, after it could not be written.",
     "Nothing."},
    {"mqttsn_device_ended", "info", "listener client_id reason skipped",
     "The broker has ended the connection of an MQTT-SN device, which has been told by DISCONNECT; `skipped` counts "
     "further devices since the last such line.",
     "With another cause than a stop of the broker, the line client_disconnected names the limit."},
    {"mqttsn_device_lost", "info", "listener client_id skipped",
     "An MQTT-SN device was silent for longer than it had promised, or has answered no repetition; its will is "
     "published, and its messages wait.",
     "Nothing if the device has left its network; otherwise look for a bad line or an empty battery."},
    {"mqttsn_device_moved", "info", "listener client_id skipped",
     "An MQTT-SN device has connected from another address while it was connected from the former one.",
     "If this line comes again and again, two devices use one client id: give one of them another id."},
    {"mqttsn_device_refused", "warning", "listener client_id reason skipped",
     "The broker has refused an MQTT-SN device; `skipped` counts further refusals since the last such line.",
     "Act on `reason`: a line in the devices file, a user for the listener, a higher limit, or a topic of the will that "
     "the user may publish to."},
    {"mqttsn_devices_loaded", "info", "listener devices",
     "The devices file of a listener for MQTT-SN devices was read again and is in force; `devices` counts its client ids "
     "and patterns.",
     "Nothing."},
    {"mqttsn_link_closed", "error warning", "listener place reason",
     "The serial port or UDP address of a listener for MQTT-SN devices cannot be used, or was lost. The broker tries "
     "again until it can be opened; the sessions of the devices stay.",
     "Plug the adapter in, correct the path, or let the user of the broker open the port (usually the group dialout)."},
    {"mqttsn_link_opened", "info", "listener place",
     "The serial port or UDP socket of a listener for MQTT-SN devices is open.",
     "Nothing; often after mqttsn_link_closed it means a bad plug or a weak supply of the USB port."},
    {"mqttsn_message_too_large", "warning", "listener client_id topic skipped",
     "A message does not fit into a packet for this MQTT-SN device, so the device does not get messages of this size.",
     "Publish smaller messages to this topic, or raise mqttsn.packet_bytes_max if device and link can carry it."},
    {"mqttsn_topic_refused", "warning", "listener client_id topic skipped",
     "An MQTT-SN device refuses a topic that it has subscribed to, so the broker sends it no messages of this topic.",
     "Give the device room for more topic ids, or let it subscribe to fewer topics."},
    {"not_reloadable", "warning", "file reason fix",
     "The broker could read this file at the start, but will not be able to read the file again after a change.",
     "Do what `fix` says."},
    {"not_started", "error", "reason fix",
     "The broker could not start and exits.",
     "Do what `fix` says."},
    {"nothing_is_stored", "warning", "outcome fix",
     "The broker has no store, so all sessions and messages are lost when the broker ends.",
     "Set a directory with --store or store.path, unless you accept this loss."},
    {"out_of_memory", "error", "reason",
     "The system refused memory, so the broker ended at once; the store has everything that was acknowledged as "
     "durable.",
     "Set memory.budget_bytes below the memory that the system gives the broker, and let a service manager restart "
     "the broker."},
    {"owner_over_share", "warning", "owner client_id share_of stored_bytes share_bytes waiting_bytes limit outcome",
     "One user or address uses more of the store than its share, so the broker refuses its durable publications for "
     "now.",
     "Find out why nobody receives these messages, or raise store.size_max_bytes if the owner may store so much."},
    {"policy_loaded", "info", "users token_keys rules",
     "The files of users and access rules were read again and are in force.",
     "Nothing."},
    {"policy_note", "warning", "note",
     "The files of users and access rules allow something dangerous or unusual.",
     "Follow the note, unless you intended this setting."},
    {"policy_refused", "error", "reason",
     "A file of users or access rules has changed and has a mistake, so the previous rules stay in force.",
     "Correct the line that `reason` names; the broker reads the file again by itself."},
    {"privileges_given_up", "info", "user",
     "The broker was started as root and now runs as the named user.",
     "Nothing."},
    {"proxy_refused", "warning", "address reason",
     "A connection to a listener with proxy_protocol did not begin with an acceptable PROXY header.",
     "Let the proxy send the header, and name its address in proxy_from."},
    {"publish_dropped", "debug", "client_id topic reason bytes",
     "A message was not sent to a subscriber because the message is larger than the subscriber accepts.",
     "Raise the Maximum Packet Size of the client, or send smaller messages."},
    {"publish_dropping", "warning", "client_id topic reason limit queued",
     "The message queue of a client is full, so the broker drops further messages for this client.",
     "Raise the limit that `limit` names, or make the client read faster or reconnect sooner."},
    {"publish_dropping_ended", "info", "client_id dropped",
     "A full message queue accepts messages again; `dropped` is the number of messages that were dropped.",
     "Nothing."},
    {"publish_refused", "info", "client_id address topic reason rule",
     "A client's PUBLISH was refused; `rule` is the rule of the ACL, or the configuration key of the limit that was "
     "reached.",
     "Give the client the right (`ledgemq explain` shows the rules), raise the limit, or correct the client."},
    {"queue_dropped", "warning", "client_id messages reason limit",
     "Messages that waited for a client were dropped to free memory.",
     "Raise memory.budget_bytes, or use a store, which keeps waiting messages on disk."},
    {"ready", "info", "addresses version descriptors_max",
     "The broker has started, and clients can connect to these addresses.",
     "Nothing."},
    {"retained_refused", "warning", "client_id topic reason limit messages bytes",
     "A retained message was not stored because a limit or the memory budget is reached.",
     "Raise retained.messages_max, retained.bytes_max or memory.budget_bytes, or remove old retained messages."},
    {"session_expired", "info", "client_id queued",
     "A client stayed away longer than its session lasts, so the broker removed the session and its waiting messages.",
     "Nothing; a client that needs more time can ask for a longer Session Expiry Interval."},
    {"session_gave_way", "warning", "client_id owner owner_sessions owner_bytes limit sessions",
     "The limit of sessions is reached, so the broker ended sessions without a connection and without messages; their "
     "owner has the most sessions.",
     "Find out why this owner leaves sessions behind, shorten limits.session_expiry_max_s, or raise the key that "
     "`limit` names."},
    {"session_of_another_user", "warning", "client_id owner user address",
     "A client asked for a session that belongs to another user, and was refused.",
     "Give one of the two clients another client id."},
    {"session_removed", "warning", "client_id owner reason messages",
     "A session was ended, and its subscriptions and waiting messages were removed; `reason` says why.",
     "Nothing, if the removal was wanted."},
    {"stopped", "info", "",
     "The broker has shut down normally.",
     "Nothing."},
    {"stopping", "info", "signal",
     "The broker was asked to end, and now closes its connections.",
     "Nothing; a second signal ends the broker at once."},
    {"store_abandoned", "error", "reason waited_ms outcome",
     "The broker stops although the disk has not finished a commit.",
     "Check the disk; messages that were acknowledged at level durable are in the store nevertheless."},
    {"store_bad_row", "error", "table key reason",
     "A row of the store differs from what was written, so the broker ignores this row. Only the first 20 rows are "
     "named.",
     "Check the disk; a disk that changes data will do so again."},
    {"store_bad_rows", "error", "rows incomplete",
     "The store has rows that differ from what was written; `incomplete` counts the sessions that have lost some of "
     "their rows.",
     "Check the disk; the broker tells the clients of incomplete sessions that no session is present, and they "
     "subscribe again."},
    {"store_bad_rows_moved", "error", "rows path",
     "The damaged rows were moved from the store to the file that `path` names.",
     "Examine the file if you miss data, then remove the file."},
    {"store_bad_rows_not_moved", "error", "reason",
     "The damaged rows could not be moved to a file; they stay in the store, and the broker does not use them.",
     "Make room on the disk, or correct the permissions of the store's directory; the next start tries again."},
    {"store_check_unfinished", "warning", "path reason",
     "The check of the store after an unclean end could not read everything.",
     "Read `reason`, and run `ledgemq store verify` when the broker is stopped."},
    {"store_failed", "error", "outcome",
     "The broker cannot write to the store any more, so nothing is acknowledged as durable until a restart.",
     "Read the commit_failed line before this one, check the disk, and restart the broker."},
    {"store_finishing", "info", "reason",
     "The broker stops and waits for the disk to finish a commit.",
     "Nothing; the line stopped follows, or store_abandoned if the disk takes too long."},
    {"store_folder_group_writable", "warning", "path outcome fix",
     "Every member of the group of the store's folder can replace or delete the store.",
     "Remove the permission with chmod g-w, unless the volume is meant to be shared."},
    {"store_full", "error", "used_percent limit outcome",
     "The store is nearly full, so the broker refuses durable publications.",
     "Raise store.size_max_bytes, make room on the disk, or make the clients with long queues read their messages."},
    {"store_has_room", "info", "used_percent",
     "The store has room again, so the broker accepts durable publications.",
     "Nothing."},
    {"store_lost", "error", "path reason outcome fix",
     "The store's file is missing or empty although a broker has used this folder before, so the broker starts "
     "without any data.",
     "Stop the broker and restore a backup with `ledgemq store restore`; find out who removed the file."},
    {"store_meta_damaged", "error", "path reason recovered_from next_number clock_s",
     "The row with the store's numbers and clock is damaged; the broker has rebuilt the row from its copy or from the "
     "other rows.",
     "Check the disk; after a recovery from the other rows, data with an expiry time expires a little later."},
    {"store_open", "info", "path bytes bytes_max",
     "The store is open.",
     "Nothing."},
    {"store_postponed", "error", "reason outcome fix",
     "The disk has no room for a new store, so the broker runs without the store's file until there is room.",
     "Make room on the disk of the store; the broker then creates the file by itself."},
    {"store_quarantined", "error", "path kept_as reason",
     "The store's file is damaged; the broker has moved the file aside and copied all readable data to a new file.",
     "Check the disk; keep the file that `kept_as` names if you want to have it examined."},
    {"store_read_failed", "error", "reason",
     "A read from the store failed.",
     "Check the disk and the system's log."},
    {"store_salvaged", "error", "sessions subscriptions queued messages retained bad_rows misfits incomplete clock",
     "The fields count what the broker could copy from the damaged store.",
     "Compare the numbers with your expectation; clients whose sessions are missing must subscribe again."},
    {"store_unfinished", "error", "reason outcome",
     "The broker has stopped while the disk had no room for the last commit.",
     "Make room on the disk of the store before the next start."},
    {"store_unusable", "error", "reason outcome fix",
     "The broker cannot use the store, and store.if_unusable allows a start without the store; nothing is stored in "
     "this run.",
     "Repair what `reason` names, and restart the broker."},
    {"store_upgraded", "info", "path from_version to_version rows",
     "The broker has converted a store of an earlier version; the earlier version cannot read this store any more.",
     "Nothing."},
    {"stored_exchange_unusable", "error", "client_id row",
     "The broker cannot continue the delivery of a stored message that had already begun.",
     "Run `ledgemq store verify` when the broker is stopped."},
    {"stored_message_unreadable", "error", "client_id row",
     "A message that waits for a client cannot be read from the store, and is skipped.",
     "Check the disk, and run `ledgemq store verify` when the broker is stopped."},
    {"stored_session_unreadable", "error", "number",
     "A stored session cannot be read, and is skipped.",
     "Check the disk, and run `ledgemq store verify` when the broker is stopped."},
    {"stored_subscription_unusable", "error", "client_id row",
     "A stored subscription cannot be read or is stored twice, so its session is incomplete.",
     "Check the disk; the broker tells the client that no session is present, and the client subscribes again."},
    {"strangers_refused", "warning", "connections address unfinished_bytes limit_bytes reason limit",
     "The unfinished packets of connections without a login used more memory than their limit, so the broker closed "
     "some of these connections.",
     "Block the address with a firewall if it is not yours, or lower limits.connect_packet_max_bytes."},
    {"subscribe_refused", "info", "client_id address filter reason rule? key? value? limit?",
     "A subscription was refused, either by the `rule` of the ACL or because `value` is above the limit that `key` "
     "sets.",
     "Give the client the right (`ledgemq explain` shows the rules), raise the limit, or correct the client."},
    {"subscription_revoked", "info", "client_id filter rule",
     "The access rules have changed, and a client may no longer read a topic filter that it had subscribed to.",
     "Nothing, if the change of the rules was intended."},
    {"tls_agreed", "debug info", "listener address user version cipher alpn resumed",
     "A TLS handshake has succeeded.",
     "Nothing."},
    {"tls_note", "warning", "listener note",
     "The files of a TLS listener have something unusual.",
     "Follow the note, unless you intended this setting."},
    {"tls_refused", "info warning", "listener address reason of_this_address? key? limit? refused?",
     "A TLS handshake failed; `reason` is the alert of the client, or the problem that the broker found.",
     "Read `reason`: it says whether the client or the files of the listener must change."},
    {"tls_reload_failed", "error", "listener reason in_service",
     "The files of a TLS listener have changed and cannot be used, so the previous files stay in use.",
     "Correct the files; the broker reads them again by itself."},
    {"tls_reloaded", "info", "listener",
     "The changed files of a TLS listener are in use now.",
     "Nothing."},
    {"tls_revoked", "warning", "listener user reason",
     "A connected client was disconnected because its certificate has been revoked.",
     "Nothing, if the revocation was intended."},
    {"user_throttled", "info", "user connections client_id address listener user_messages_per_second "
     "user_bytes_per_second",
     "All connections of a user together send faster than the user's limit, so the broker reads from them more "
     "slowly.",
     "Raise limits.user_messages_per_second or limits.user_bytes_per_second if the user may send that much."},
    {"websocket_ended", "info", "address reason",
     "A WebSocket connection ended because the client violated the WebSocket protocol.",
     "Correct the client; `reason` names the rule."},
    {"will_ignored", "warning", "client_id address topic rule",
     "A bridge connected with a will below $SYS/broker/connection, but the access rules forbid this topic, so the "
     "broker ignores the will.",
     "Give the bridge the right to write there, or set `notifications false` in its mosquitto.conf; everything else "
     "works."},
    {"will_published", "info", "client_id topic",
     "A client's connection ended without a normal DISCONNECT, so its will was published.",
     "Nothing."},
    {"will_refused", "info", "client_id topic rule",
     "A will was not published because the access rules have changed and now forbid its topic.",
     "Nothing, if the change of the rules was intended."},
    {"write_budget_passed", "warning", "day_bytes limit_bytes limit bytes_by_owner",
     "The broker wrote more in 24 hours than store.daily_write_budget_bytes allows; `bytes_by_owner` names the owners "
     "that caused most of this.",
     "Make these owners publish less, or assign their topics the level relaxed with [[store.levels]]."},
};
// clang-format on

/// Removes the first word from `words` and returns it. Returns an empty word at the end.
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

/// Every field of the line must be declared, with or without '?'. Every declared field without '?' must be in the line.
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
    // Binary search: the table is sorted by name, which a test checks.
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
