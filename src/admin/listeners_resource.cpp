// /listeners: where clients connect, and how many do.
#include <algorithm>

#include "ledge/broker/listener_figures.hpp"
#include "ledge/broker/shard.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {

void list_listeners(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    const std::vector<broker::ListenerFigures> figures = site.shard().listener_figures();
    JsonWriter body;
    body.begin_list("listeners");
    const auto places = site.operations.listeners ? site.operations.listeners() : std::vector<ListenerPlace>();
    for (const ListenerPlace& place : places) {
        const auto one = std::ranges::find(figures, place.name, &broker::ListenerFigures::name);
        if (one == figures.end()) continue;
        body.begin_object();
        body.text("name", place.name);
        body.text("url", place.url);
        body.text("protocol", place.protocol);
        body.number("connections", std::uint64_t{one->connected} + one->arriving);
        body.number("connections_max", std::uint64_t{one->connections_max});
        body.number("accepted", one->counters.accepted);
        body.number("refused", one->counters.refused());
        body.boolean("tls", place.is_tls);
        body.end_object();
    }
    body.end_list();
    request.answer(body);
}

}  // namespace ledge::admin
