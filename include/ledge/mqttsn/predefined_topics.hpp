// PredefinedTopics: topic ids that the gateway and its devices have from their configuration. The owner fills the table
// once; gateways only read it. A device never has to register these topics.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ledge/mqttsn/messages.hpp"

namespace ledge::mqttsn {

class PredefinedTopics {
public:
    /// False = the id is reserved or in the table already.
    bool add(TopicId id, std::string topic) {
        return !is_reserved(id) && !topic.empty() && by_id_.emplace(id, std::move(topic)).second;
    }
    /// "" = the table has no such id. The view is valid until the table changes.
    std::string_view name_of(TopicId id) const {
        const auto found = by_id_.find(id);
        return found == by_id_.end() ? std::string_view() : found->second;
    }
    bool empty() const { return by_id_.empty(); }

private:
    std::map<TopicId, std::string> by_id_;
};

}  // namespace ledge::mqttsn
