// Routes of one bridge: the search for the route of a topic, and the sets of subscriptions.
#include "ledge/bridge/route_set.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/filter_algebra.hpp"

namespace ledge::bridge {
namespace {

/// Removes each subscription that another one covers. The remaining one gets the larger QoS.
void drop_covered(std::vector<Subscription>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = 0; j < all.size();) {
            if (i == j || !covers(all[i].filter, all[j].filter)) {
                ++j;
                continue;
            }
            all[i].qos = std::max(all[i].qos, all[j].qos);
            all.erase(all.begin() + static_cast<std::ptrdiff_t>(j));
            if (j < i) --i;
        }
    }
}

/// Replaces one pair of overlapping subscriptions by one that covers both. False: no two subscriptions overlap.
bool merge_one_pair(std::vector<Subscription>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = i + 1; j < all.size(); ++j) {
            if (!intersects(all[i].filter, all[j].filter)) continue;
            auto cover = narrowest_cover(all[i].filter, all[j].filter);
            LEDGE_ASSERT(cover);  // overlapping filters start alike, so there is one
            all[i] = {std::move(*cover), std::max(all[i].qos, all[j].qos)};
            all.erase(all.begin() + static_cast<std::ptrdiff_t>(j));
            return true;
        }
    }
    return false;
}

}  // namespace

RouteSet::RouteSet(std::vector<Route> routes) {
    for (Route& route : routes) {
        LEDGE_ASSERT(!complaint_about(route));
        std::string local = route.local_filter();
        std::string remote = route.remote_filter();
        entries_.push_back({std::move(route), std::move(local), std::move(remote)});
    }
}

const Route* RouteSet::outgoing(std::string_view local_topic, std::string& out) const {
    for (const Entry& entry : entries_)
        if (entry.route.goes_out() && map_topic(local_topic, entry.local(), entry.remote(), out)) return &entry.route;
    return nullptr;
}

const Route* RouteSet::incoming(std::string_view remote_topic, std::string& out) const {
    for (const Entry& entry : entries_)
        if (entry.route.comes_in() && map_topic(remote_topic, entry.remote(), entry.local(), out)) return &entry.route;
    return nullptr;
}

bool RouteSet::response_topic_out(std::string_view local_topic, std::string& out) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.route.comes_in() && map_topic(local_topic, entry.local(), entry.remote(), out);
    });
}

bool RouteSet::response_topic_in(std::string_view remote_topic, std::string& out) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.route.goes_out() && map_topic(remote_topic, entry.remote(), entry.local(), out);
    });
}

bool RouteSet::may_have_sent(std::string_view remote_topic) const {
    std::string unused;
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.route.goes_out() && map_topic(remote_topic, entry.remote(), entry.local(), unused);
    });
}

std::vector<Subscription> RouteSet::local_subscriptions(const std::vector<std::string>& within) const {
    std::vector<Subscription> all;
    for (const Entry& entry : entries_) {
        if (!entry.route.goes_out()) continue;
        if (within.empty()) all.push_back({entry.local_filter, entry.route.qos});
        for (const std::string& filter : within) {
            if (auto common = intersection(entry.local_filter, filter))
                all.push_back({std::move(*common), entry.route.qos});
        }
    }
    drop_covered(all);
    return all;
}

std::vector<Subscription> RouteSet::remote_subscriptions(OverlapCopies copies) const {
    std::vector<Subscription> all;
    for (const Entry& entry : entries_)
        if (entry.route.comes_in()) all.push_back({entry.remote_filter, entry.route.qos});
    drop_covered(all);
    // Each merge removes one subscription, so the loop ends. A merged filter may cover or overlap further ones.
    while (copies == OverlapCopies::per_filter && merge_one_pair(all)) drop_covered(all);
    return all;
}

std::size_t RouteSet::outgoing_growth_max() const {
    std::size_t growth = 0;
    for (const Entry& entry : entries_) {
        const std::size_t before = entry.route.local_prefix.size();
        const std::size_t after = entry.route.remote_prefix.size();
        if (entry.route.goes_out() && after > before) growth = std::max(growth, after - before);
    }
    return growth;
}

wire::QoS RouteSet::outgoing_qos_max() const {
    wire::QoS most = wire::QoS::at_most_once;
    for (const Entry& entry : entries_)
        if (entry.route.goes_out()) most = std::max(most, entry.route.qos);
    return most;
}

}  // namespace ledge::bridge
