#include "ledge/session/subscription_set.hpp"

#include <doctest/doctest.h>

#include <map>

#include "ledge/base/rng.hpp"

namespace ledge::session {
namespace {

TEST_CASE("a handful of subscriptions is looked through, more are found by one look") {
    SubscriptionSet set;
    for (std::uint32_t i = 1; i <= SubscriptionSet::unindexed_max; ++i) set.add({.filter = FilterId{i}, .number = i});
    CHECK(set.looks_max() == SubscriptionSet::unindexed_max);
    for (std::uint32_t i = 33; i <= 1000; ++i) set.add({.filter = FilterId{i}, .number = i});
    CHECK(set.looks_max() == 1);
    CHECK(set.find(FilterId{777}, no_share_group)->number == 777);
    CHECK(set.find(FilterId{1001}, no_share_group) == nullptr);
}

TEST_CASE("a share group has a name of its own beside the filter of the same number") {
    SubscriptionSet set;
    set.add({.filter = FilterId{5}, .number = 1});
    CHECK(set.find_group(ShareGroupId{5}) == nullptr);
    set.add({.filter = FilterId{7}, .share_group = ShareGroupId{5}, .number = 2});
    CHECK(set.find_group(ShareGroupId{5})->number == 2);
    CHECK(set.find(FilterId{5}, no_share_group)->number == 1);
    CHECK(set.find_number(2)->share_group == ShareGroupId{5});
    CHECK(set.find_number(3) == nullptr);
}

TEST_CASE("a seeded run of subscriptions agrees with a map, with an index and without") {
    Rng rng(11);
    SubscriptionSet set;
    std::map<std::pair<FilterId, ShareGroupId>, std::uint32_t> model;  // numbers
    std::uint32_t number = 0;
    for (int step = 0; step < 6000; ++step) {
        const bool grows = step / 1500 % 2 == 0;
        const FilterId filter(static_cast<std::uint32_t>(rng.below(200)));
        // A group belongs to one filter.
        const ShareGroupId group = rng.one_in(4) ? ShareGroupId(filter.value() + 1) : no_share_group;
        SubscriptionRef* mine = set.find(filter, group);
        const auto known = model.find({filter, group});
        REQUIRE((mine != nullptr) == (known != model.end()));
        if (mine == nullptr && (grows || rng.one_in(5))) {
            set.add({.filter = filter, .share_group = group, .number = ++number});
            model[{filter, group}] = number;
        } else if (mine != nullptr) {
            REQUIRE(mine->number == known->second);
            REQUIRE(set.find_number(mine->number) == mine);
            if (!grows || rng.one_in(5)) {
                set.remove(*mine);
                model.erase(known);
            }
        }
        REQUIRE(set.size() == model.size());
    }
    set.clear();
    CHECK(set.empty());
    CHECK(set.looks_max() == 0);
}

}  // namespace
}  // namespace ledge::session
