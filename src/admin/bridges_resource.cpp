// /bridges: their figures, and what an operator does with them.
#include "bridge_facts.hpp"
#include "ledge/uplink/bridges.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

void finish_action(ApiRequest& request, bool is_known) {
    if (is_known)
        request.done();
    else
        request.refuse(404, "there is no bridge with this name");
}

void set_bridge_paused(Site& site, ApiRequest& request, bool is_paused) {
    if (request.refuse_if_wrong()) return;
    uplink::Bridges* bridges = site.parts.bridges;
    finish_action(request, bridges != nullptr && bridges->set_paused(request.path("name"), is_paused, site.now()));
}

}  // namespace

void list_bridges(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    JsonWriter body;
    body.begin_list("bridges");
    for (const uplink::BridgeFigures& bridge : figures_of_bridges(site)) {
        body.begin_object();
        write_bridge(body, bridge);
        body.boolean("paused", bridge.is_paused);
        body.end_object();
    }
    body.end_list();
    request.answer(body);
}

void pause_bridge(Site& site, ApiRequest request) { set_bridge_paused(site, request, true); }
void resume_bridge(Site& site, ApiRequest request) { set_bridge_paused(site, request, false); }

void reconnect_bridge(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    uplink::Bridges* bridges = site.parts.bridges;
    finish_action(request, bridges != nullptr && bridges->reconnect(request.path("name"), site.now()));
}

}  // namespace ledge::admin
