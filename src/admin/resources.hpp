// The handlers of all resources, by the file that has them. Each answers its request once, at once or later. On the
// thread of the loop.
#pragma once

#include "api_request.hpp"

namespace ledge::admin {

struct ReloadOutcome;
struct Site;

// backup_resource.cpp
void get_backup(Site& site, ApiRequest request);

// bridges_resource.cpp
void list_bridges(Site& site, ApiRequest request);
void pause_bridge(Site& site, ApiRequest request);
void resume_bridge(Site& site, ApiRequest request);
void reconnect_bridge(Site& site, ApiRequest request);

// control_resource.cpp
void reload(Site& site, ApiRequest request);
void answer_reload(ApiRequest& request, const ReloadOutcome& outcome);
void put_log_level(Site& site, ApiRequest request);

// index_resource.cpp
void get_index(Site& site, ApiRequest request);
void get_openapi(Site& site, ApiRequest request);

// metrics_resource.cpp
void get_metrics(Site& site, ApiRequest request);

// trace_resource.cpp
void get_trace(Site& site, ApiRequest request);

}  // namespace ledge::admin
