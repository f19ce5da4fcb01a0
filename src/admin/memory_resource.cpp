// /memory: where the memory goes.
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/process_figures.hpp"
#include "ledge/session/memory_kinds.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {

void get_memory(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    const broker::Metrics& metrics = site.shard().metrics();
    JsonWriter body;
    const runtime::ProcessFigures process = runtime::read_process_figures();
    body.number("resident_bytes", process.resident_bytes);
    body.number("anonymous_bytes", process.anonymous_bytes);
    body.number("budget_bytes", metrics.memory_budget);
    body.begin_list("by_kind");
    for (std::size_t kind = 0; kind < session::memory_kinds; ++kind) {
        body.begin_object();
        body.text("kind", session::name_of(static_cast<session::MemoryKind>(kind)));
        body.number("bytes", metrics.memory_by_kind[kind]);
        body.end_object();
    }
    body.end_list();
    body.begin_list("largest_owners");
    for (const session::OwnerFigure& one : metrics.owners_by_table_bytes) {
        body.begin_object();
        body.text("owner", one.owner);
        body.number("bytes", one.value);
        body.end_object();
    }
    body.end_list();
    request.answer(body);
}

}  // namespace ledge::admin
