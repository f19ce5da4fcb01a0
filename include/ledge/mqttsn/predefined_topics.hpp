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
    PredefinedTopics() = default;
    /// Ids that the table does not have are looked up in `rest`, which must outlive the table.
    explicit PredefinedTopics(const PredefinedTopics* rest) : rest_(rest) {}

    /// False = the id is reserved or in the table already.
    bool add(TopicId id, std::string topic) {
        return !is_reserved(id) && !topic.empty() && by_id_.emplace(id, std::move(topic)).second;
    }
    /// "" = the table has no such id. The view is valid until the table changes.
    std::string_view name_of(TopicId id) const {
        const auto found = by_id_.find(id);
        if (found != by_id_.end()) return found->second;
        return rest_ == nullptr ? std::string_view() : rest_->name_of(id);
    }
    bool empty() const { return by_id_.empty(); }

private:
    std::map<TopicId, std::string> by_id_;
    const PredefinedTopics* rest_ = nullptr;
};

}  // namespace ledge::mqttsn
