// serve(): starts the broker, runs it until a signal, and returns the exit status. The order of the steps matters: each
// step that may refuse the start comes before the first client can connect.
#include "serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "commands.hpp"
#include "join.hpp"
#include "ledge/admin/pages.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/config/command_line.hpp"
#include "ledge/config/devices_file.hpp"
#include "ledge/link/gateways.hpp"
#include "ledge/link/line_listeners.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/runtime/clock.hpp"
#include "lines.hpp"
#include "links.hpp"
#include "live_bridges.hpp"
#include "log_sink.hpp"
#include "operators.hpp"
#include "ota.hpp"
#include "predecessor.hpp"
#include "privileges.hpp"
#include "process.hpp"
#include "reload.hpp"
#include "service_manager.hpp"
#include "tls_files.hpp"
#include "upgrade.hpp"
#include "warnings.hpp"
#include "wiring.hpp"

namespace ledge::daemon {
namespace {

constexpr Duration store_time_max = 10min;  // for opening a large store on a slow card, at a start under systemd

/// The remedy for an error of the system.
std::string_view fix_for(const Error& error) {
    struct Fix {
        std::errc code;
        std::string_view text;
    };
    // Only errors with a remedy that an operator can carry out. Every other error explains itself in its reason.
    constexpr Fix fixes[] = {
        {std::errc::address_in_use,
         "end the program that listens there (ss -ltnp names it), or choose another address with --listen"},
        {std::errc::permission_denied,
         "choose a port above 1023 or a writable path, or give the broker the right to use this one"},
        {std::errc::address_family_not_supported, "this machine has no IPv6: choose an IPv4 address"},
        {std::errc::no_such_file_or_directory,
         "create the folder of the socket or of the log file; a service has /run/ledgemq by RuntimeDirectory=ledgemq"},
    };
    for (const Fix& fix : fixes) {
        if (error.code == fix.code) return fix.text;
    }
    return "see the reason";
}

/// The remedy for an error of the store, by its kind; the text of the error has the details.
std::string_view fix_for_store(const Error& error) {
    if (error.code == std::errc::not_enough_memory)
        return "the address space for store.size_max_bytes cannot be reserved: lower that key, or raise the limit of "
               "the process (ulimit -v)";
    switch (storage::fault_of(error.code)) {
        case storage::Fault::access: return "let this user write the directory, or choose another directory";
        case storage::Fault::in_use: return "end that process, or choose another directory with --store";
        case storage::Fault::newer: return "start the newer broker again, or choose another directory";
        case storage::Fault::full:
        case storage::Fault::ceiling: return "free space on the disk, or raise store.size_max_bytes";
        case storage::Fault::damaged:
        case storage::Fault::io: break;
    }
    return "see the reason";
}

/// Logs why the broker does not start, and returns the exit status.
int refuse(const Log& log, std::string_view reason, std::string_view fix, int exit_code) {
    log.error("not_started", {{"reason", reason}, {"fix", fix}});
    return exit_code;
}

/// Directs the log to the file or the daemon of [log]. False: the file cannot be opened, and the broker must not start.
bool direct_log(LogSink& sink, const config::LogSettings& settings, const std::optional<Account>& account,
                const Log& log) {
    // The file must belong to the user that opens it again after a rotation.
    const AsUser as_user(account);
    const auto directed = sink.direct_to(settings);
    if (!directed) refuse(log, text_of(directed.error()), fix_for(directed.error()), config::exit_failure);
    return static_cast<bool>(directed);
}

/// The loop writes waiting lines once a second. `sink` must outlive the loop.
void add_log(runtime::BrokerLoopOptions& options, LogSink& sink) {
    options.has_unwritten_log = [&sink] { return sink.has_pending(); };
    options.write_log = [&sink] { sink.write_pending(); };
}

/// Opens the store of the configuration. False: the store cannot be opened, and the broker must not start. With true,
/// `store` is nullptr if no store is configured, or if the broker starts without it. New files of the store belong to
/// the user that the broker becomes.
bool open_store(const config::Config& config, const std::optional<Account>& account, const Log& log,
                std::unique_ptr<storage::Store>& store) {
    if (!config.store.is_used()) {
        log.warning("nothing_is_stored",
                    {{"outcome", "sessions, queued and retained messages end with the broker"},
                     {"fix", "name a directory: --store DIR, or store.path in the configuration"}});
        return true;
    }
    // Root must not own the files: the broker could not write them after it has given up its rights.
    const AsUser as_user(account);
    compact_if_wanted(config.store.path, log);
    auto opened = storage::open_lmdb_store(store_options(config), log);
    if (opened) {
        store = std::move(*opened);
        return true;
    }
    const Error& error = opened.error();
    // Two brokers on one store would corrupt it, so a store in use always ends the start.
    const bool may_start = config.store.if_unusable == config::StoreSettings::Unusable::start_without &&
                           storage::fault_of(error.code) != storage::Fault::in_use;
    if (!may_start) {
        log.error("not_started", {{"reason", text_of(error)}, {"fix", fix_for_store(error)}});
        return false;
    }
    log.error("store_unusable", {{"reason", text_of(error)},
                                 {"outcome",
                                  "store.if_unusable = start_without: the broker serves, and nothing is "
                                  "kept until a restart finds the store usable"},
                                 {"fix", fix_for_store(error)}});
    return true;
}

/// Becomes the user of process.user for good. False: the change has failed, and the broker must not serve.
bool give_up_privileges(const Account& account, const config::Loaded& loaded, const Log& log) {
    give_socket(loaded.config.admin.socket, account, log);
    if (const auto changed = become(account); !changed) {
        log.error("not_started",
                  {{"reason", text_of(changed.error())}, {"fix", "start as root, or leave process.user out"}});
        return false;
    }
    // The kernel forbids core dumps when a process changes its user, so the setting must be repeated.
    allow_core_dumps(loaded.config.process.core_dumps);
    log.info("privileges_given_up", {{"user", account.user}});
    for (const std::string& file : unreadable(files_read_again(loaded)))
        log.warning("not_reloadable", {{"file", file},
                                       {"reason", "the user " + account.user + " may not read this file"},
                                       {"fix", "give the file to a group of that user, with mode 640"}});
    return true;
}

/// Serves a listener that a reload has added.
Result<bool, Error> add_listener(runtime::BrokerLoop* running, const config::Config& config, std::size_t index,
                                 std::uint64_t descriptors) {
    if (running == nullptr) return Failure{Error{{}, "the broker has not started yet"}};
    if (config.sockets[index].endpoint.is_for_devices())
        return Failure{Error{{}, "a listener for devices is served from the next start on"}};
    // The descriptors are shared anew among all listeners, but only the new one gets its share: the others keep theirs.
    runtime::BrokerLoopOptions wanted = loop_options(config, version, 0);
    share_descriptors(wanted, descriptors);
    return running->add_listener(wanted.shard.listeners[index], wanted.endpoints[index],
                                 std::move(wanted.fronts[index]), wanted.shard.has_other_users);
}

void note_unusable_store(broker::Shard& shard) {
    broker::StoreFigures figures;
    figures.start_state = broker::StartState::unusable;
    shard.note_store(figures);
}

/// How a reload adds, changes and removes bridges. The arguments must outlive the result.
Reload::ChangeBridge changer_of(LiveBridges& bridges, runtime::BrokerLoop* const& running) {
    return [&](std::string_view name, const config::BridgeSettings* settings) -> Result<bool, Error> {
        if (running == nullptr) return Failure{Error{{}, "the broker has not started yet"}};
        if (settings != nullptr) return bridges.put(*settings, *running);
        bridges.remove(name, *running);
        return true;
    };
}

/// The parts of the loop beside the broker itself. The loop sets the pointers when it has made the parts; nullptr = it
/// has none.
struct Parts {
    LiveBridges bridges;
    link::Gateways* gateways = nullptr;
    const link::LineListeners* lines = nullptr;
    const ota::OtaServer* ota = nullptr;
};

/// `parts` and `log` must outlive the loop.
void add_parts(runtime::BrokerLoopOptions& options, const config::Loaded& loaded, const Log& log, Parts& parts) {
    const config::Config& config = loaded.config;
    parts.bridges.add_to(options, config, log, random_seed());
    add_links(options, loaded, log, random_seed(), parts.gateways);
    add_lines(options, config, log, parts.lines);
    add_ota(options, config, log, parts.ota);
}

/// Where the broker serves: sockets, and serial lines.
std::vector<std::string> addresses_of(const runtime::BrokerLoop& loop, const Parts& parts) {
    std::vector<std::string> addresses = loop.addresses();
    if (parts.gateways != nullptr) std::ranges::copy(parts.gateways->places(), std::back_inserter(addresses));
    if (parts.lines == nullptr) return addresses;
    for (const link::LineFigures& one : parts.lines->figures()) addresses.push_back(one.place);
    return addresses;
}

/// Why this broker cannot be upgraded by a new process that has no more rights than it has.
std::optional<Upgrade::Obstacle> find_obstacle(const config::Loaded& loaded) {
    if (::getpid() == 1)
        return Upgrade::Obstacle{"this process is the first one of its container, which would end with it",
                                 "start a container with the new version instead"};
    std::vector<std::string> files = files_read_again(loaded);
    files.push_back(loaded.config.admin.token_file);  // unreadable() leaves "" out
    for (const config::AdminTokenSettings& token : loaded.config.admin.tokens) files.push_back(token.file);
    const std::vector<std::string> missing = unreadable(files);
    if (missing.empty()) return std::nullopt;
    return Upgrade::Obstacle{"this process, and so a new one, may not read " + join(missing),
                             "give the file to a group of the broker's user, with mode 640, or restart the broker"};
}

/// Tells the service manager that a reload is over, whatever its outcome is.
class ToldReload final : public runtime::ReloadTask {
public:
    ToldReload(std::unique_ptr<ReloadTask> task, const ServiceManager& manager)
        : task_(std::move(task)), manager_(manager) {}
    void read() override { task_->read(); }
    runtime::Reloaded put_in_force() override {
        const runtime::Reloaded outcome = task_->put_in_force();
        manager_.still_ready();
        return outcome;
    }

private:
    std::unique_ptr<ReloadTask> task_;
    const ServiceManager& manager_;
};

/// How the broker and the service manager talk. `manager` must outlive the loop.
void tell_service_manager(runtime::BrokerLoopOptions& options, const ServiceManager& manager) {
    options.on_hang_up = [&manager, read = std::move(options.on_hang_up)]() -> std::unique_ptr<runtime::ReloadTask> {
        manager.reloading(runtime::read_clock());
        return std::make_unique<ToldReload>(read(), manager);
    };
    // The end of the connections, and then the disk (CommitterOptions::finish_time_max), with some room.
    options.on_stop_signal = [&manager, time_max = options.stop_time_max + 60s, then = options.on_stop_signal] {
        manager.stopping(time_max);
        then();
    };
    if (!manager.watchdog_interval()) return;
    options.heartbeat_interval = *manager.watchdog_interval();
    options.on_heartbeat = [&manager] { manager.feed_watchdog(); };
}

/// Sockets that no listener has taken: after an upgrade they are closed, since the configuration has changed. From the
/// service manager they are a mistake: clients would connect there and never be answered. True: there is a mistake.
bool complain_of_left_sockets(os::GivenSockets& sockets, const Log& log) {
    const bool is_mistake = sockets.from() == os::GivenSockets::From::service_manager && !sockets.left().empty();
    for (const std::string& socket : sockets.left()) {
        log.write(is_mistake ? LogLevel::error : LogLevel::warning, "socket_unused",
                  {{"socket", socket},
                   {"fix", is_mistake ? "add a listener with this address, or with this name (FileDescriptorName=), or "
                                        "remove the line from the socket unit"
                                      : "none, if the listener was removed from the configuration on purpose"}});
    }
    sockets.clear();
    return is_mistake;
}

/// What stays while one loop after the other serves: more than one only if an upgrade fails late.
struct Service {
    LogSink& sink;
    Log& log;
    const ServiceManager& manager;
    Predecessor& predecessor;
    Upgrade& upgrade;
    os::GivenSockets* given;  // sockets for the listeners of the next loop
    bool is_first;            // of the loops
};

/// In an upgrade the former broker has the store until everything that can be wrong without the store was checked.
/// False: the store cannot be had.
bool await_store(const Service& service) {
    service.manager.extend_timeout(store_time_max);
    if (service.predecessor.await_store()) return true;
    refuse(service.log, "the broker that was to be replaced has ended, or keeps the store", "start the broker again",
           config::exit_failure);
    return false;
}

/// Tells that all listeners are open. The order matters: the former broker ends when it hears of this one, and by then
/// the service manager must know its new main process.
void announce(const std::string& addresses, runtime::BrokerLoop& loop, const Service& service) {
    const std::string status = "Serving on " + addresses;
    // Also a broker that serves again: the new one may have failed after it had said that it is the main process.
    if (service.predecessor.is_upgrade() || !service.is_first)
        service.manager.ready_as_main(status);
    else
        service.manager.ready(status);
    service.predecessor.tell_serving();
    service.upgrade.attach(loop);
}

/// The exit status after a loop has ended; nullopt = the broker must serve again.
std::optional<int> status_after(Upgrade::Outcome outcome, const Log& log) {
    switch (outcome) {
        case Upgrade::Outcome::serve_again: return std::nullopt;
        case Upgrade::Outcome::failed: return config::exit_failure;
        case Upgrade::Outcome::handed_over: return config::exit_ok;
        case Upgrade::Outcome::stopped: break;
    }
    log.info("stopped");
    return config::exit_ok;
}

/// Serves with one loop. nullopt: an upgrade has failed after the store was closed, and the broker must serve again.
std::optional<int> serve_once(const config::Sources& sources, const config::Loaded& loaded, const Service& service) {
    LogSink& sink = service.sink;
    Log& log = service.log;
    const auto account = find_account(loaded.config.process);
    if (!account) return refuse(log, text_of(account.error()), "correct the key", config::exit_bad_configuration);
    if (service.is_first && !direct_log(sink, loaded.config.log, account.value(), log)) return config::exit_failure;
    // Each client needs a descriptor. The limit of the system is shared among the listeners below.
    const std::uint64_t descriptors = raise_descriptor_limit();

    runtime::BrokerLoopOptions options = loop_options(loaded.config, version, random_seed());
    share_descriptors(options, descriptors);
    Parts parts;
    add_parts(options, loaded, log, parts);
    options.policy = loaded.policy;
    options.policy_files = loaded.policy_files;
    runtime::BrokerLoop* running = nullptr;  // set when the loop exists; until then the callbacks below do nothing
    // The callbacks hold references to locals of this function, which outlive the loop.
    Reload reload(
        sources, loaded.config, log,
        [&running](std::shared_ptr<const auth::Policy> policy, std::vector<std::string> files) {
            if (running != nullptr) running->set_policy(std::move(policy), std::move(files));
        },
        [&running, &loaded](const broker::Listeners& listeners) {
            if (running != nullptr) running->set_limits(with_line_parts(listeners, loaded.config));
        },
        [&running, descriptors](const config::Config& config, std::size_t index) {
            return add_listener(running, config, index, descriptors);
        },
        changer_of(parts.bridges, running),
        [&parts](const std::string& listener, const config::Devices& devices) {
            if (parts.gateways != nullptr) parts.gateways->set_devices(listener, devices.table, devices.counters_file);
        });
    options.on_hang_up = [&reload, &sink] { return sink.reopen_file(), reload.read_all(); };
    service.upgrade.add_to(options);
    tell_service_manager(options, service.manager);
    options.given_sockets = service.given;
    options.on_policy_files = [&reload] { return reload.read_policy(); };
    add_log(options, sink);
    // The token is read before the user changes, because root may be the only one who may read it.
    const auto token = admin_tokens(loaded.config);
    if (!token)
        return refuse(log, config::without_values(loaded, "a token of [admin]: " + text_of(token.error())),
                      "correct the file", config::exit_bad_configuration);
    admin::Pages pages(std::string(version), token.value(), log, runtime::read_clock());
    connect_pages(pages, options, reload, log, running);
    // The store is opened before the listeners are bound, so that no client connects to a broker that cannot start.
    if (!await_store(service)) return config::exit_failure;
    std::unique_ptr<storage::Store> store;
    if (!open_store(loaded.config, account.value(), log, store)) return config::exit_failure;
    // A store is configured, but the broker starts without it. The metrics must show that.
    const bool is_without = loaded.config.store.is_used() && store == nullptr;
    // Without a store every publication has the durability level ram, whatever the configuration says.
    if (store == nullptr) options.shard.durability.journal.is_enabled = false;
    auto loop = runtime::BrokerLoop::create(std::move(options), log, std::move(store));
    // First: a listener that cannot be opened leaves the sockets of all listeners behind it.
    if (!loop) return refuse(log, text_of(loop.error()), fix_for(loop.error()), config::exit_failure);
    if (complain_of_left_sockets(*service.given, log)) return config::exit_bad_configuration;
    // Listeners are bound and keys are read: from here on the rights of root are not needed any more.
    if (account.value() && !give_up_privileges(*account.value(), loaded, log)) return config::exit_failure;
    // From here on a reload changes the running broker.
    running = loop->get();
    if (is_without) note_unusable_store((*loop)->shard());
    // The loop does not run yet, so no request comes before the pages have figures.
    pages.attach(**loop, {parts.bridges.bridges(), parts.gateways, parts.lines, parts.ota, urls_of_web(loaded.config),
                          [&service] { return service.upgrade.request(); }});
    for (const std::string& note : loaded.notes) log.warning("listener_note", {{"note", note}});
    const std::string addresses = join(addresses_of(**loop, parts));
    log.info("ready", {{"addresses", addresses}, {"version", version}, {"descriptors_max", descriptors}});
    sink.end_of_start();
    announce(addresses, **loop, service);
    // The code of the start is hardly used again, but its pages would count as memory of the broker.
    release_startup_code();
    (*loop)->run();
    running = nullptr;
    return status_after(service.upgrade.conclude(*loop), log);
}

/// The configuration for a broker that serves again: as the files say now, or as before if they have a mistake.
config::Loaded load_again(const config::Sources& sources, const config::Loaded& before) {
    config::Loaded again = config::load(sources);
    if (again.ok()) check_files_and_warn(sources, again);
    config::hide_values(again);
    return again.ok() ? again : before;
}

}  // namespace

int serve(const config::Sources& sources, const config::Loaded& loaded, ProgramStart start) {
    // Settings of the process come first, because everything below may allocate, write or read secrets.
    ignore_signals_of_writes();
    end_when_out_of_memory(loaded.config.log.format == config::LogFormat::json);
    // The sink outlives everything that logs: objects are destroyed in the reverse order.
    LogSink sink(loaded.config.log.format);
    Log log = sink.log(loaded.config.log.level);
    // Before any other thread: the setting holds for this thread and for the threads that it starts (prctl(2)).
    forbid_new_privileges();
    allow_core_dumps(loaded.config.process.core_dumps);
    auto predecessor = Predecessor::from_environment();
    if (!predecessor)
        return refuse(log, text_of(predecessor.error()), "correct the socket unit, or start the broker again",
                      config::exit_bad_configuration);
    const ServiceManager manager;
    config::Loaded present = loaded;
    std::optional<config::Loaded> former;  // served last, after the failure of an upgrade
    Upgrade upgrade(
        std::move(start), std::chrono::seconds(loaded.config.process.upgrade_time_max_s),
        [&present] { return find_obstacle(present); }, log, manager);
    os::GivenSockets given = std::move(predecessor.value().sockets());
    for (bool is_first = true;; is_first = false) {
        const auto status =
            serve_once(sources, present, {sink, log, manager, predecessor.value(), upgrade, &given, is_first});
        if (!status) {
            former = std::exchange(present, load_again(sources, present));
        } else if (upgrade.must_serve_again() && former) {
            // The new broker may have failed at a mistake of the files that only the start finds.
            log.error("configuration_refused", {{"reason", "the broker cannot start with it: see the line before"}});
            present = std::move(*former);
            former.reset();
        } else {
            return *status;
        }
        given = upgrade.sockets();
    }
}

}  // namespace ledge::daemon
