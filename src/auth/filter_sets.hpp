// Topic filters as sets of topics: do two have a topic in common, is one within the other. Both valid, without
// "$share/".
#pragma once

#include <string_view>

namespace ledge::auth {

/// Some topic matches both.
bool overlap(std::string_view a, std::string_view b);
/// Every topic that matches `inner` matches `outer`. May say no although it is so only for filters that match no topic.
bool covers(std::string_view outer, std::string_view inner);

}  // namespace ledge::auth
