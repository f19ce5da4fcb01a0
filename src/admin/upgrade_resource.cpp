// POST /upgrade: replaces the running broker by a new process. The answer comes before the connections end; the log and
// the next answers say whether the new process serves.
#include "ledge/base/error.hpp"
#include "ledge/base/json.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {

void post_upgrade(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    if (!site.parts.upgrade) return request.refuse(409, "this program has no upgrade");
    if (const auto started = site.parts.upgrade(); !started) return request.refuse(409, text_of(started.error()));
    JsonWriter body;
    body.text("outcome", "started");
    request.answer(202, body);
}

}  // namespace ledge::admin
