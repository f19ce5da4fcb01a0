#include "ledge/session/retained_feed.hpp"

namespace ledge::session {

RetainedFeed::Batch* RetainedFeed::find(std::string_view filter) {
    for (std::size_t i = 0; i < batches.size(); ++i)
        if (batches[i].filter == filter) return &batches[i];
    return nullptr;
}

}  // namespace ledge::session
