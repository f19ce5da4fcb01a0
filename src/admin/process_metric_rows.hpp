// The rows of the metric table for the process; metric_rows.hpp has their place among all rows. Prometheus gives the
// names process_* their meaning ("Writing client libraries" in its documentation), so that every program's figures have
// the same names.
#pragma once

#include "ledge/broker/metric_table.hpp"
#include "ledge/runtime/process_figures.hpp"

namespace ledge::admin {

using runtime::ProcessFigures;
using ProcessMetric = broker::MetricRow<ProcessFigures>;

/// A figure that the system does not tell has no sample.
template <auto Member>
broker::Reading told(const ProcessFigures& figures) {
    const auto& figure = figures.*Member;
    return {.number = figure.value_or(0), .is_defined = figure.has_value()};
}
template <auto Member>
broker::Reading measured_of(const ProcessFigures& figures) {
    return {.number = figures.*Member};
}

// clang-format off
inline constexpr ProcessMetric process_metrics[] = {
    {.group = broker::MetricGroup::system, .name = "process_cpu_seconds_total", .unit = "seconds", .prefix = "",
     .read = [](const ProcessFigures& figures) -> broker::Reading { return {.number = figures.cpu_us, .decimals = 6}; },
     .help = "The system adds up the time in seconds that the process has spent on processors."},
    {.group = broker::MetricGroup::system, .name = "process_resident_memory_bytes", .type = broker::MetricType::gauge,
     .unit = "bytes", .prefix = "", .read = measured_of<&ProcessFigures::resident_bytes>,
     .help = "The value is the size in bytes of all memory pages of the process that are in RAM; the pages of the "
             "store's file are included, and the system takes them back when it needs memory."},
    {.group = broker::MetricGroup::system, .name = "process_virtual_memory_bytes", .type = broker::MetricType::gauge,
     .unit = "bytes", .prefix = "", .read = measured_of<&ProcessFigures::virtual_bytes>,
     .help = "The value is the size in bytes of the address space of the process; the largest size of the store is "
             "included."},
    {.group = broker::MetricGroup::system, .name = "process_open_fds", .type = broker::MetricType::gauge,
     .prefix = "", .read = told<&ProcessFigures::open_descriptors>,
     .help = "The value is the number of open descriptors of the process: sockets, files and pipes. Before Linux 6.2, "
             "a process with more than 4096 descriptors has no such sample."},
    {.group = broker::MetricGroup::system, .name = "process_max_fds", .type = broker::MetricType::gauge,
     .prefix = "", .read = measured_of<&ProcessFigures::descriptors_max>,
     .help = "The value is the largest number of open descriptors that the system allows the process. 0 means that "
             "there is no limit."},
    {.group = broker::MetricGroup::system, .name = "process_start_time_seconds", .type = broker::MetricType::gauge,
     .unit = "seconds", .prefix = "", .read = told<&ProcessFigures::started_s>,
     .help = "The value is the time of the start in seconds since 1970-01-01 UTC. A machine that has not set its "
             "clock yet has no such sample."},
    {.group = broker::MetricGroup::system, .name = "memory_anonymous_bytes", .type = broker::MetricType::gauge,
     .unit = "bytes", .read = measured_of<&ProcessFigures::anonymous_bytes>,
     .help = "The value is the size in bytes of the memory pages in RAM that belong to no file: what the process "
             "really occupies, and what memory.budget_bytes limits."},
};
// clang-format on

}  // namespace ledge::admin
