// Seeded random topics and filters that meet often: few levels, among them empty, `$`, non-ASCII and long ones.
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include "ledge/base/rng.hpp"

namespace ledge::topic {

inline std::string_view random_level(Rng& rng) {
    static constexpr std::string_view levels[] = {
        "",
        "a",
        "b",
        "c",
        "$SYS",
        "$",
        "caf\u00e9",
        "\u6e29\u5ea6",
        "\U0001F321",
        "a level of more bytes than fit in its entry",
        "a level of more bytes than fit in its entries",
    };
    return levels[rng.below(std::size(levels))];
}

inline std::string random_topic(Rng& rng) {
    std::string topic(random_level(rng));
    for (std::uint64_t more = rng.below(5); more > 0; --more) (topic += '/') += random_level(rng);
    return topic.empty() ? "/" : topic;
}

inline std::string random_filter(Rng& rng) {
    std::string filter;
    for (std::uint64_t more = rng.below(5); more > 0; --more) {
        (filter += rng.below(3) == 0 ? "+" : random_level(rng)) += '/';
    }
    const std::uint64_t last = rng.below(6);
    filter += last == 0 ? "#" : last == 1 ? "+" : random_level(rng);
    return filter.empty() ? "#" : filter;
}

}  // namespace ledge::topic
