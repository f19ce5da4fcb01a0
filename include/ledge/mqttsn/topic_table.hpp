// TopicTable: the topics of one device that have an id. Ids are the device's own: another device with the same topic
// has another id, and an id is never given to a second topic in one connection, because a publication under a wrong
// topic is "potentially disastrous" (MQTT-SN section 7.3). Over many connections ids go round, each behind all others.
// Owned by Endpoint.
//
// The first id is chosen by the gateway, and is another one after each start: a packet of before the start, which is
// still under way, then has an id that names nothing.
//
// The table also remembers what the device knows: after a CONNECT it may have forgotten all ids (rule 7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/mqttsn/messages.hpp"

namespace ledge::mqttsn {

class TopicTable {
public:
    struct Entry {
        std::string name;
        TopicId id = 0;
        TopicIdType type = TopicIdType::normal;  // never short_name: short names need no entry
        bool is_known = false;                   // normal: the device has the id from this connection
        bool is_refused = false;                 // refused in this connection: nothing is published to it
        bool is_from_device = false;             // the device asked for the id, so it is not given up
        std::uint32_t last_use = 0;              // of find(); the smallest one is given up first
    };

    /// The ids are given in order from `first_id` on, which is not reserved. Behind 0xFFFE comes 1.
    explicit TopicTable(TopicId first_id) : next_id_(first_id) {}

    /// nullptr = the topic has no entry. Valid until the table changes.
    Entry* find(std::string_view name);
    /// The topic of a normal id; "" = no topic has it.
    std::string_view name_of(TopicId id) const;
    Entry* find_id(TopicId id);
    /// Adds a topic with a new id. Requires that find() has none. When the table has `topics_max` entries, the topic
    /// used least recently that the device did not ask for is given up. nullptr = there is none, or no id is left.
    Entry* add(std::string_view name, std::uint16_t topics_max);
    /// Adds a topic that the device uses by its predefined id, or lets an entry use that id. nullptr as above.
    Entry* add_predefined(std::string_view name, TopicId id, std::uint16_t topics_max);
    void remove(TopicId id);

    /// True = all 65,534 ids were given since forget_known(), so add() has none.
    bool is_used_up() const { return ids_given_ >= 0xFFFE; }
    /// The device may have forgotten all ids, and what it has refused. Ids that it still uses stay valid; those that
    /// no topic has may be given again.
    void forget_known();
    /// The session has ended. Its ids come again last: a late packet of the old session would use them.
    void clear() { entries_.clear(); }
    std::size_t size() const { return entries_.size(); }

private:
    bool make_room(std::uint16_t topics_max);
    TopicId take_id();

    std::vector<Entry> entries_;
    std::uint32_t uses_ = 0;
    TopicId next_id_;
    std::uint16_t ids_given_ = 0;
};

}  // namespace ledge::mqttsn
