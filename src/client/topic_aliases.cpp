// The two alias tables of one connection.
#include "ledge/client/topic_aliases.hpp"

#include <algorithm>

namespace ledge::client {

void AliasesIn::reset(std::uint16_t maximum) {
    topics_.clear();
    topics_.resize(maximum);
}

void AliasesOut::reset(std::uint16_t maximum) {
    slots_.clear();
    slots_.resize(maximum);
    uses_ = 0;
}

AliasesOut::Choice AliasesOut::choose(std::string_view topic) {
    if (slots_.empty()) return {};
    auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& one) { return one.topic == topic; });
    const bool is_known = slot != slots_.end();
    if (!is_known) {
        const auto is_older = [](const Slot& a, const Slot& b) { return a.last_use < b.last_use; };
        slot =
            std::min_element(slots_.begin(), slots_.end(), is_older);  // free slots have last_use 0 and so come first
        slot->topic.assign(topic);
    }
    slot->last_use = ++uses_;
    return {static_cast<std::uint16_t>(slot - slots_.begin() + 1), is_known};
}

}  // namespace ledge::client
