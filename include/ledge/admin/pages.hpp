// Pages: answers HTTP requests of operators. /healthz is for monitoring, /metrics for Prometheus, /api/v1/ for
// programs. Owned by serve(); runs on the thread of the loop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/admin/metrics_collector.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/transport/web.hpp"

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

/// Parts of the program that are clients of the broker, and have figures of their own; nullptr = there is none.
struct Parts {
    const uplink::Bridges* bridges = nullptr;
    const link::Gateways* gateways = nullptr;
    const link::LineListeners* lines = nullptr;
    const ota::OtaServer* ota = nullptr;
};

/// Who may read /metrics and /api/v1/. Everybody may read /healthz, which tells no secrets.
///
///     configured       admin listener                     WebSocket listener
///     token            with the token                     with the token
///     no token         if the Host header is an           never
///                      address or localhost
///     either           also with a client certificate     (a certificate does not help: it belongs to a device)
///
/// A wrong token is logged. An address that sends too many wrong tokens is refused for a while (429). An address that
/// has sent the right token before is not refused, so that a program with an old token cannot lock out an operator
/// who uses the same address. The rule about the Host header stops DNS rebinding: a web page whose host name points
/// at 127.0.0.1 sends that name.
class Pages {
public:
    static constexpr std::size_t token_bytes_min = 16;
    static constexpr std::size_t token_bytes_max = 1024;

    /// `token`: "" = no token. `log` must outlive this object. `now`: the start, for the uptime.
    Pages(std::string version, std::string token, const Log& log, Instant now);

    /// From now on answers show the figures of `loop` and of the parts, which must outlive all requests. Before this
    /// call every request gets 503.
    void attach(runtime::BrokerLoop& loop, const Parts& parts) {
        loop_ = &loop;
        parts_ = parts;
    }

    transport::HttpAnswer answer(const transport::HttpRequest& request, Instant now);

private:
    enum class Access : std::uint8_t { granted, wants_address, wants_token, wrong_token, blocked };
    Access judge(const transport::HttpRequest& request, Instant now);
    Access judge_token(const transport::HttpRequest& request, Instant now);

    transport::HttpAnswer health(Instant now) const;
    transport::HttpAnswer metrics(Instant now);
    std::vector<uplink::BridgeFigures> figures_of_bridges() const;
    transport::HttpAnswer api(const transport::HttpRequest& request) const;

    std::string version_;
    std::string token_;
    const Log& log_;
    auth::LoginGuard guard_;  // counts wrong tokens
    Instant start_;
    MetricsCollector collector_;
    Parts parts_;
    runtime::BrokerLoop* loop_ = nullptr;  // nullptr = the broker has not started yet
};

/// The token in a token file, which has one line.
Result<std::string, Error> read_token(const std::string& path);

}  // namespace ledge::admin
