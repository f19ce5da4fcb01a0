#include "subscriber_list.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "allocations.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/session/core_services.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

struct Sessions {
    explicit Sessions(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            all.push_back(std::make_unique<session::Session>(services.for_sessions, std::to_string(i), limits));
    }
    session::Session& operator[](std::size_t i) { return *all[i]; }

    Log log;
    session::CoreServices services{log, {}, 1, start};
    session::SessionLimits limits;
    std::vector<std::unique_ptr<session::Session>> all;
};

using Ids = std::vector<std::uint32_t>;

Ids ids_of(const SubscriberList& list) {
    Ids ids;
    for (const Subscriber& item : list.items()) ids.push_back(item.subscription_id);
    std::ranges::sort(ids);
    return ids;
}

TEST_CASE("one subscriber needs no heap, several do, and none again gives it back") {
    CHECK(sizeof(SubscriberList) == 24);
    Sessions sessions(3);
    const std::size_t before = live_bytes();
    SubscriberList list;
    list.add({&sessions[0], 10, {}});
    CHECK(live_bytes() == before);
    CHECK(list.find(sessions[0])->subscription_id == 10);
    CHECK(list.find(sessions[1]) == nullptr);
    list.add({&sessions[1], 11, {}});
    list.add({&sessions[2], 12, {}});
    CHECK(live_bytes() > before);
    CHECK(list.find(sessions[1])->subscription_id == 11);
    for (std::size_t i = 0; i < 3; ++i) list.remove(sessions[i]);
    CHECK(list.empty());
    CHECK(live_bytes() == before);
    list.add({&sessions[1], 11, {}});
    CHECK(list.items().front().session == &sessions[1]);
}

TEST_CASE("a list that is moved away leaves an empty one behind, in every mix of sizes") {
    Sessions sessions(5);
    for (std::size_t from = 0; from <= 5; ++from) {
        for (std::size_t to = 0; to <= 5; ++to) {
            SubscriberList source, target;
            Ids expected;
            for (std::size_t i = 0; i < from; ++i) {
                source.add({&sessions[i], static_cast<std::uint32_t>(i), {}});
                expected.push_back(static_cast<std::uint32_t>(i));
            }
            for (std::size_t i = 0; i < to; ++i) target.add({&sessions[i], 100, {}});
            target = std::move(source);
            CHECK(ids_of(target) == expected);
            SubscriberList again(std::move(target));
            CHECK(ids_of(again) == expected);
            CHECK(target.empty());  // NOLINT: what is left behind is defined
            target.add({&sessions[0], 7, {}});
            CHECK(ids_of(target) == Ids{7});
        }
    }
}

TEST_CASE("a long list finds each of its subscribers by one look, so that all of them can end together") {
    Sessions sessions(3000);
    SubscriberList list;
    for (std::size_t i = 0; i < 3000; ++i) list.add({&sessions[i], static_cast<std::uint32_t>(i), {}});
    CHECK(list.looks_max() == 1);
    for (std::size_t i = 0; i < 3000; ++i) REQUIRE(list.find(sessions[i])->subscription_id == i);
    for (std::size_t i = 0; i < 2990; ++i) list.remove(sessions[i]);
    CHECK(ids_of(list) == Ids{2990, 2991, 2992, 2993, 2994, 2995, 2996, 2997, 2998, 2999});
    list.add({&sessions[0], 1, {}});  // a short list again, but still with an index
    CHECK(list.find(sessions[0])->subscription_id == 1);
}

TEST_CASE("a seeded run of lists agrees with vectors") {
    Sessions sessions(150);
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Rng rng(seed);
        std::vector<SubscriberList> lists(3);
        std::vector<std::vector<const session::Session*>> models(3);
        for (int step = 0; step < 2000; ++step) {
            if (rng.one_in(100)) lists.resize(lists.size() + 1), models.resize(lists.size());  // moves all of them
            const std::size_t which = rng.below(lists.size());
            auto& model = models[which];
            session::Session& one = sessions[rng.below(150)];
            const auto known = std::ranges::find(model, &one);
            REQUIRE((lists[which].find(one) != nullptr) == (known != model.end()));
            if (known == model.end() && rng.below(10) < (step / 400 % 2 == 0 ? 8U : 3U)) {
                lists[which].add({&one, 0, {}});
                model.push_back(&one);
            } else if (known != model.end()) {
                lists[which].remove(one);
                model.erase(known);
            }
            if (rng.one_in(200)) lists[which].clear(), model.clear();
            REQUIRE(lists[which].size() == model.size());
            for (const Subscriber& item : lists[which].items())
                REQUIRE(std::ranges::find(model, item.session) != model.end());
        }
    }
}

}  // namespace
}  // namespace ledge::broker
