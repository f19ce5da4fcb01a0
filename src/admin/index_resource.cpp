// GET /: what this is, and its resources.
#include "ledge/base/json.hpp"
#include "resources.hpp"
#include "routes.hpp"
#include "site.hpp"

namespace ledge::admin {

void get_index(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    JsonWriter body;
    body.text("name", "LedgeMQ");
    body.text("version", site.version);
    body.begin_list("resources");
    std::string_view last;
    for (const Route& route : routes()) {
        // The rows of one resource stand together.
        if (route.pattern == last || route.pattern == "/") continue;
        last = route.pattern;
        body.element(std::string(api_path) + std::string(route.pattern));
    }
    body.end_list();
    request.answer(body);
}

}  // namespace ledge::admin
