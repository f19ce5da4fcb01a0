// The handlers of all resources, by the file that has them. Each answers its request once, at once or later. On the
// thread of the loop.
#pragma once

#include "api_request.hpp"

namespace ledge::admin {

struct ReloadOutcome;
struct Site;

// backup_resource.cpp
void get_backup(Site& site, ApiRequest request);

// bans_resource.cpp
void list_bans(Site& site, ApiRequest request);
void add_ban(Site& site, ApiRequest request);
void remove_ban(Site& site, ApiRequest request);

// bridges_resource.cpp
void list_bridges(Site& site, ApiRequest request);
void pause_bridge(Site& site, ApiRequest request);
void resume_bridge(Site& site, ApiRequest request);
void reconnect_bridge(Site& site, ApiRequest request);

// clients_resource.cpp
void list_clients(Site& site, ApiRequest request);
void get_client(Site& site, ApiRequest request);
void list_subscriptions(Site& site, ApiRequest request);
void kick_client(Site& site, ApiRequest request);
void remove_client(Site& site, ApiRequest request);
void clear_client_queue(Site& site, ApiRequest request);

// control_resource.cpp
void reload(Site& site, ApiRequest request);
void answer_reload(ApiRequest& request, const ReloadOutcome& outcome);
void put_log_level(Site& site, ApiRequest request);

// index_resource.cpp
void get_index(Site& site, ApiRequest request);
void get_openapi(Site& site, ApiRequest request);

// listeners_resource.cpp
void list_listeners(Site& site, ApiRequest request);

// memory_resource.cpp
void get_memory(Site& site, ApiRequest request);

// metrics_resource.cpp
void get_metrics(Site& site, ApiRequest request);

// overview_resource.cpp
void get_overview(Site& site, ApiRequest request);
void get_stream(Site& site, ApiRequest request);

// publish_resource.cpp
void post_publish(Site& site, ApiRequest request);

// refusals_resource.cpp
void list_refusals(Site& site, ApiRequest request);

// retained_resource.cpp
void list_retained(Site& site, ApiRequest request);
void get_retained_tree(Site& site, ApiRequest request);
void get_retained(Site& site, ApiRequest request);
void put_retained(Site& site, ApiRequest request);
void remove_retained(Site& site, ApiRequest request);

// store_resource.cpp
void get_store(Site& site, ApiRequest request);
void compact_store(Site& site, ApiRequest request);

// trace_resource.cpp
void get_trace(Site& site, ApiRequest request);

// upgrade_resource.cpp
void post_upgrade(Site& site, ApiRequest request);

// who_gets_resource.cpp
void list_receivers(Site& site, ApiRequest request);
void list_shares(Site& site, ApiRequest request);

}  // namespace ledge::admin
