// Pages: what the broker answers by HTTP. /healthz for whoever watches over it, /metrics for Prometheus, /api/v1/ for
// programs. On the loop's thread.
#pragma once

#include <string>
#include <string_view>

#include "ledge/auth/login_guard.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/transport/web.hpp"

namespace ledge::broker {
struct Metrics;
}
namespace ledge::runtime {
class BrokerLoop;
}

namespace ledge::admin {

/// Who may read what. /healthz says too little to be kept from anybody.
///
///                      admin listener           WebSocket listener
///     token            with the token           with the token
///     no token         by an address or         never
///                      localhost as Host
///     either           with a certificate       (says nothing there: it is a device's)
///
/// A wrong token is logged. An address that has tried too many is refused for a while (429), unless it has shown the
/// right one before: its operator is not kept out by a program with an old token beside him.
/// The second keeps pages of other origins out: a name that its owner points at 127.0.0.1 is no address.
class Pages {
public:
    static constexpr std::size_t token_bytes_min = 16;
    static constexpr std::size_t token_bytes_max = 1024;

    /// `token`: "" for none. `log` outlives the pages.
    Pages(std::string version, std::string token, const Log& log, Instant now);

    /// From now on the figures are those of `loop`, which outlives the requests; before, nothing is ready.
    void attach(runtime::BrokerLoop& loop) { loop_ = &loop; }

    transport::HttpAnswer answer(const transport::HttpRequest& request, Instant now);

private:
    enum class Access : std::uint8_t { granted, wants_address, wants_token, wrong_token, blocked };
    Access judge(const transport::HttpRequest& request, Instant now);
    Access judge_token(const transport::HttpRequest& request, Instant now);

    transport::HttpAnswer health(Instant now) const;
    transport::HttpAnswer metrics(Instant now) const;
    transport::HttpAnswer api(const transport::HttpRequest& request) const;

    std::string version_;
    std::string token_;
    const Log& log_;
    auth::LoginGuard guard_;  // of the token
    Instant start_;
    runtime::BrokerLoop* loop_ = nullptr;
};

/// The line in a token file. The error is a sentence.
Result<std::string, std::string> read_token(const std::string& path);

}  // namespace ledge::admin
