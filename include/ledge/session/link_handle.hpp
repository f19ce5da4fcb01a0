// LinkHandle: what the driver of a connection derives its link from, so that the core can hand the link back without
// knowing its type. The driver alone converts the handle back. The core never owns or changes a link.
#pragma once

namespace ledge::session {

class LinkHandle {
protected:
    LinkHandle() = default;
    ~LinkHandle() = default;
};

}  // namespace ledge::session
