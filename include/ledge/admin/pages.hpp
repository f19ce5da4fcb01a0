// Pages: answers HTTP requests of operators. /healthz is for monitoring, /metrics for Prometheus, /api/v1/ for
// programs. Owned by serve(); runs on the thread of the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/admin/operations.hpp"
#include "ledge/admin/rights.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/runtime/loop_part.hpp"
#include "ledge/transport/http.hpp"

namespace ledge::broker {
struct Metrics;
}
namespace ledge::ota {
class OtaServer;
}
namespace ledge::runtime {
class BrokerLoop;
}
namespace ledge::link {
class Gateways;
class LineListeners;
}  // namespace ledge::link
namespace ledge::uplink {
class Bridges;
struct BridgeFigures;
}  // namespace ledge::uplink

namespace ledge::admin {

class AccessRules;
struct Site;

/// Parts of the program that are clients of the broker, and have figures of their own; nullptr = there is none.
struct Parts {
    uplink::Bridges* bridges = nullptr;
    const link::Gateways* gateways = nullptr;
    const link::LineListeners* lines = nullptr;
    const ota::OtaServer* ota = nullptr;
    std::vector<std::string> web_sockets = {};  // URLs of the WebSocket listeners, to which the dashboard may connect
    /// Begins to replace the broker by a new process. The error says why not. Empty = the program cannot do it.
    std::function<Result<bool, Error>()> upgrade{};
};

/// Who may do what. Everybody may read /healthz, which tells no secrets, and the files of the dashboard.
///
///     request                                                         /metrics, /api/v1 (GET)   actions
///     over the Unix socket admin.socket                               yes                       yes
///     to the admin listener with a client certificate                 yes                       yes
///     with a token of the right act                                   yes                       yes
///     with a token of the right read                                  yes                       403
///     no token is configured, to the admin listener, and the Host     yes                       401
///       header is an address or localhost
///     any other                                                       401 or 403                401 or 403
///
/// A WebSocket listener wants a token; a certificate does not help there, because it belongs to a device. A wrong token
/// is logged. An address that sends too many wrong tokens is refused for a while (429). An address that has sent a
/// right token before is not refused, so that a program with an old token cannot lock out an operator who uses the same
/// address. The rule about the Host header stops DNS rebinding: a web page whose host name points at 127.0.0.1 sends
/// that name.
class Pages {
public:
    static constexpr std::size_t token_bytes_min = 16;
    static constexpr std::size_t token_bytes_max = 1024;

    /// `log` must outlive this object. `now`: the start, for the uptime.
    Pages(std::string version, std::vector<AdminToken> tokens, const Log& log, Instant now);
    ~Pages();
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    /// Makes the part of the loop that carries out answers of several turns. The part must not outlive this object.
    runtime::MakeLoopPart make_part();
    /// From now on answers show the figures of `loop` and of the parts, which must outlive all requests. Before this
    /// call every request gets 503.
    void attach(runtime::BrokerLoop& loop, const Parts& parts);
    void set_operations(Operations operations);
    /// A reading of the configuration begins. It answers the requests for a reload that have come so far.
    void on_reload_begun();
    /// The reading that began last has ended.
    void on_reloaded(const ReloadOutcome& outcome);
    void set_tokens(std::vector<AdminToken> tokens);

    void answer(const transport::HttpRequest& request, transport::Responder responder, Instant now);

private:
    class Part;
    void answer_api(const transport::HttpRequest& request, transport::Responder responder, Instant now);
    transport::HttpAnswer page(const transport::HttpRequest& request, Instant now);
    transport::HttpAnswer health(Instant now) const;
    transport::HttpAnswer metrics(Instant now) const;

    std::unique_ptr<AccessRules> access_;
    std::unique_ptr<Site> site_;
};

/// The token in a token file, which has one line.
Result<std::string, Error> read_token(const std::string& path);

}  // namespace ledge::admin
