// Site: what the handlers of the API use of the program. Pages owns it, and it lives as long as the requests. On the
// thread of the loop.
#pragma once

#include <string>

#include "ledge/admin/pages.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ongoing.hpp"

namespace ledge::admin {

struct Site {
    std::string version;
    Instant start;  // for the uptime
    const Log& log;
    OngoingWork ongoing{};
    Parts parts{};
    runtime::BrokerLoop* loop = nullptr;  // nullptr = the broker has not started yet; handlers never see nullptr

    broker::Shard& shard() const;
};

}  // namespace ledge::admin
