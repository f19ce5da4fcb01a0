// DeviceTable: which devices may connect to a gateway, and as whom. Plain values of the devices file, and the rule of a
// client id. The owner fills the table and hands it to Gateway::set_devices().
//
// A rule is for one client id, or for all that begin with the text before a trailing `*`. The most exact rule decides:
// first the one for the client id itself, then the one with the longest text before `*`. So the order in the file means
// nothing. A table that was never filled admits everybody, without a user of his own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/secret.hpp"
#include "ledge/mqttsn/predefined_topics.hpp"

namespace ledge::mqttsn {

inline constexpr std::size_t device_key_bytes = 32;

struct DeviceRule {
    std::string client_id;                      // or a pattern with a trailing `*`
    std::string user;                           // of the session in the broker; "" = the user of the listener
    Secret key;                                 // device_key_bytes bytes; empty = the device sends without an envelope
    std::uint64_t key_mark = 0;                 // tells keys apart without showing them; set by DeviceTable::add()
    std::map<TopicId, std::string> topics;      // predefined ones, before those of the listener; %c = the client id
    std::uint32_t messages_per_second_max = 0;  // 0 = unlimited

    bool has_key() const { return !key.bytes().empty(); }
    bool is_pattern() const { return client_id.ends_with('*'); }
    /// True = a device notices no difference between the two rules. Only the rate may differ.
    bool is_same_for_device(const DeviceRule& other) const;
};

class DeviceTable {
public:
    /// A table that admits everybody.
    DeviceTable() = default;
    /// A table of a file, which admits only the clients of its rules.
    static DeviceTable of_file() {
        DeviceTable table;
        table.is_closed_ = true;
        return table;
    }

    /// False = there is a rule for this client id or pattern already.
    bool add(DeviceRule rule);
    /// The rule of a client id; nullptr = the client id is not listed. Valid until the table changes.
    const DeviceRule* find(std::string_view client_id) const;
    /// True = this client id may connect.
    bool admits(std::string_view client_id) const { return !is_closed_ || find(client_id) != nullptr; }
    std::size_t size() const { return exact_.size() + patterns_.size(); }
    /// True = a device of the table sends in envelopes, so counters must be kept (envelope_counters.hpp).
    bool has_keys() const;

private:
    using Rules = std::map<std::string, DeviceRule, std::less<>>;

    Rules exact_;
    Rules patterns_;  // by the text before `*`
    bool is_closed_ = false;
};

/// The predefined topics of one device, with its client id in the place of %c, in front of those of the listener.
/// `listener` must outlive the result. A client id with '/', '+' or '#' does not get the topics with %c: they would be
/// other topics than the operator means.
PredefinedTopics topics_of(const DeviceRule& rule, std::string_view client_id, const PredefinedTopics& listener);

}  // namespace ledge::mqttsn
