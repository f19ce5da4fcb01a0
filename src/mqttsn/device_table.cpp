#include "ledge/mqttsn/device_table.hpp"

#include <algorithm>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/byte_reader.hpp"
#include "ledge/base/constant_time.hpp"

namespace ledge::mqttsn {

namespace {

constexpr std::string_view client_id_mark = "%c";

/// The topic with the client id in the place of each %c; "" = this client id must not stand in a topic.
std::string filled_in(std::string_view topic, std::string_view client_id) {
    std::size_t mark = topic.find(client_id_mark);
    if (mark != std::string_view::npos && client_id.find_first_of("/+#") != std::string_view::npos) return {};
    std::string out;
    for (; mark != std::string_view::npos; mark = topic.find(client_id_mark)) {
        out.append(topic.substr(0, mark)).append(client_id);
        topic.remove_prefix(mark + client_id_mark.size());
    }
    return out.append(topic);
}

}  // namespace

bool DeviceRule::is_same_for_device(const DeviceRule& other) const {
    return user == other.user && topics == other.topics && are_equal_in_constant_time(key.bytes(), other.key.bytes());
}

bool DeviceTable::add(DeviceRule rule) {
    std::string name = rule.client_id;
    if (rule.is_pattern()) name.pop_back();
    if (rule.has_key()) rule.key_mark = ByteReader(auth::sha256(rule.key.bytes())).u64();
    return (rule.is_pattern() ? patterns_ : exact_).try_emplace(std::move(name), std::move(rule)).second;
}

const DeviceRule* DeviceTable::find(std::string_view client_id) const {
    if (const auto found = exact_.find(client_id); found != exact_.end()) return &found->second;
    // A client id has at most a few dozen bytes, so asking for each beginning is cheaper than a walk over all patterns.
    for (std::size_t size = client_id.size() + 1; size > 0 && !patterns_.empty(); --size) {
        const auto found = patterns_.find(client_id.substr(0, size - 1));
        if (found != patterns_.end()) return &found->second;
    }
    return nullptr;
}

bool DeviceTable::has_keys() const {
    const auto has_key = [](const auto& entry) { return entry.second.has_key(); };
    return std::ranges::any_of(exact_, has_key) || std::ranges::any_of(patterns_, has_key);
}

PredefinedTopics topics_of(const DeviceRule& rule, std::string_view client_id, const PredefinedTopics& listener) {
    PredefinedTopics topics(&listener);
    // add() refuses the empty topic of a client id that must not stand in one.
    for (const auto& [id, topic] : rule.topics) topics.add(id, filled_in(topic, client_id));
    return topics;
}

}  // namespace ledge::mqttsn
