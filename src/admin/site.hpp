// Site: what the handlers of the API use of the program. Pages owns it, and it lives as long as the requests. On the
// thread of the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api_request.hpp"
#include "ledge/admin/pages.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "metrics_collector.hpp"
#include "ongoing.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::admin {

struct Site {
    std::string version;
    Instant start;  // for the uptime
    const Log& log;
    OngoingWork ongoing{};
    Parts parts{};
    Operations operations{};
    std::vector<ApiRequest> reloads_waiting{};  // the next reading of the configuration answers them
    std::vector<ApiRequest> reloads_begun{};    // the present reading answers them
    boost::asio::io_context* io = nullptr;      // set with the part of the loop
    bool is_backup_under_way = false;
    std::size_t streams = 0;              // open streams of the overview
    std::uint64_t log_level_changes = 0;  // a change for a time ends only if no other change has followed
    MetricsCollector collector{};
    runtime::BrokerLoop* loop = nullptr;  // nullptr = the broker has not started yet; handlers never see nullptr

    broker::Shard& shard() const;
    Instant now() const;      // of the present turn of the loop
    Duration uptime() const;  // since the start of the broker
};

}  // namespace ledge::admin
