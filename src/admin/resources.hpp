// The handlers of all resources, by the file that has them. Each answers its request once, at once or later. On the
// thread of the loop.
#pragma once

#include "api_request.hpp"

namespace ledge::admin {

struct Site;

// index_resource.cpp
void get_index(Site& site, ApiRequest request);

// trace_resource.cpp
void get_trace(Site& site, ApiRequest request);

}  // namespace ledge::admin
