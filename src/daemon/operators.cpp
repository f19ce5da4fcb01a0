#include "operators.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/storage/tools.hpp"

namespace ledge::daemon {
namespace {

std::string_view protocol_of(const config::ListenerSocket& socket) {
    if (socket.mode == config::ListenerMode::lines) return "lines";
    switch (socket.endpoint.protocol) {
        case config::Endpoint::Protocol::mqtt: return "mqtt";
        case config::Endpoint::Protocol::websocket: return "websocket";
        case config::Endpoint::Protocol::http: return "http";
        case config::Endpoint::Protocol::mqttsn: return "mqttsn";
    }
    return "";
}

std::vector<admin::ListenerPlace> listeners_of(const config::Config& config) {
    LEDGE_ASSERT(config.sockets.size() <= config.shard.listeners.size());
    std::vector<admin::ListenerPlace> places;
    for (std::size_t i = 0; i < config.sockets.size(); ++i) {
        const config::ListenerSocket& socket = config.sockets[i];
        places.push_back(
            {config.shard.listeners[i].name, socket.url, std::string(protocol_of(socket)), socket.endpoint.is_tls});
    }
    return places;
}

}  // namespace

void connect_pages(admin::Pages& pages, runtime::BrokerLoopOptions& options, Reload& reload, Log& log,
                   runtime::BrokerLoop* const& running) {
    options.pages = [&pages](const transport::HttpRequest& request, transport::Responder responder) {
        pages.answer(request, std::move(responder), runtime::read_clock());
    };
    options.parts.push_back(pages.make_part());
    admin::Operations operations;
    operations.reload = [&running] {
        if (running != nullptr) running->reload();
    };
    operations.configured_log_level = [&reload] { return reload.running().log.level; };
    operations.set_log_level = [&log](LogLevel level) {
        log.set_threshold(level);
        log.warning("log_level_changed");
    };
    operations.listeners = [&reload] { return listeners_of(reload.running()); };
    const config::Config& config = reload.running();
    if (config.store.is_used()) operations.store_path = config.store.path;
    // The kernel follows this link also after an upgrade has replaced the file.
    operations.program = "/proc/self/exe";
    pages.set_operations(std::move(operations));
    reload.watch([&pages] { pages.on_reload_begun(); },
                 [&pages](const admin::ReloadOutcome& outcome) { pages.on_reloaded(outcome); });
    reload.set_tokens_by([&pages](std::vector<admin::AdminToken> tokens) { pages.set_tokens(std::move(tokens)); });
}

void give_socket(const std::string& path, const Account& account, const Log& log) {
    // lchown(2): if somebody has replaced the socket by a symbolic link, the link's target must not change its owner.
    if (path.empty() || ::lchown(path.c_str(), account.uid, account.gid) == 0) return;
    log.warning("listener_note", {{"note", "admin.socket stays with root: " + system_code(errno).message()}});
}

void compact_if_wanted(const std::string& store_path, const Log& log) {
    const std::string mark = store_path + std::string(admin::compact_mark);
    if (::access(mark.c_str(), F_OK) != 0) return;
    // Removed first: a compaction that ends the process must not be tried at each start.
    ::unlink(mark.c_str());
    std::string report;
    const auto done = storage::compact(store_path, [&report](std::string_view text) { report += text; });
    while (report.ends_with('\n')) report.pop_back();
    if (done)
        log.info("store_compacted", {{"report", report}});
    else
        log.warning("store_not_compacted", {{"reason", text_of(done.error())}});
}

}  // namespace ledge::daemon
