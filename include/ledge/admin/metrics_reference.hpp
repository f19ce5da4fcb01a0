// The reference of all metrics, which `ledgemq metrics` prints: names for Prometheus, $SYS topics, and what each value
// means.
#pragma once

#include <string>

namespace ledge::admin {

/// One paragraph for each row of the metric table, or one JSON object a line.
void print_metrics(bool is_json, std::string& out);

}  // namespace ledge::admin
