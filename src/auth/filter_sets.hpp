// Compares topic filters as sets of topics. All filters must be valid, and come without "$share/GROUP/". Stateless.
#pragma once

#include <string_view>

namespace ledge::auth {

/// True if at least one topic matches both filters.
bool overlap(std::string_view a, std::string_view b);
/// True if every topic that matches `inner` also matches `outer`. The result may be wrongly false, but only for filters
/// that match no topic.
bool covers(std::string_view outer, std::string_view inner);

}  // namespace ledge::auth
