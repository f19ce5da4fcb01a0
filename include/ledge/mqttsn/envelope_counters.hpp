// EnvelopeCounters: the counters of all devices that send in envelopes, in both directions, and the text of the file
// that keeps them over a restart. Without the file, an old CONNECT could be sent again after a restart, and devices
// would refuse a gateway whose counter begins anew. Owned by Gateway; the owner of the gateway reads and writes the
// file.
//
//     file   := "ledgemq envelope counters 1\n" record* "end " number_of_records "\n"
//     record := client_id:hex " " key_mark:hex " " seen " " limit "\n"
//     seen   := the counter of the last envelope of the device that was accepted
//     limit  := no counter above it has been used for the device yet
//     key_mark := the first 8 bytes of SHA-256(key). With a new key the counters of the device begin anew: no envelope
//                 of the former key has the right tag.
//
// What must be on disk before what:
//     - the counter of a CONNECT before the CONNECT is carried out. All other packets need a connection, so after a
//       restart nothing old has an effect, although `seen` of other packets is older in the file than in memory. The
//       exception is PUBLISH of QoS -1. It needs neither a connection nor an envelope, so anybody can send it anyway.
//     - the limit before a counter above the former limit is used. Limits grow by `block`, so one write of the file
//       serves that many packets to a device.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/mqttsn/envelope.hpp"

namespace ledge::mqttsn {

class EnvelopeCounters {
public:
    static constexpr std::uint32_t block = 1024;

    struct Record {
        std::string client_id;
        SenderId sender = 0;         // of the device
        std::uint64_t key_mark = 0;  // of the key that `seen` belongs to
        std::uint32_t seen = 0;      // of the device
        std::uint32_t sent = 0;      // of the gateway
        // What is on disk, and what the write under way puts there.
        std::uint32_t durable_seen = 0;
        std::uint32_t durable_limit = 0;
        std::uint32_t writing_seen = 0;
        std::uint32_t writing_limit = 0;
    };

    /// Counters of new devices begin behind `first_counter`. At `records_max` devices no further one is added.
    EnvelopeCounters(std::uint32_t first_counter, std::size_t records_max)
        : first_counter_(first_counter), records_max_(records_max) {}

    /// False = the text is damaged, and nothing was read. Requires that there are no records yet.
    bool load(std::string_view text);

    /// nullptr = the sender is unknown. Records stay where they are, and none is ever removed: a device that leaves the
    /// devices file and comes back must not begin anew.
    Record* find(SenderId sender);
    /// The record of a client id, a new one if need be; nullptr = the table is full.
    Record* find_or_add(std::string_view client_id);
    /// The device has proven that it has this key.
    static void use_key(Record& record, std::uint64_t key_mark) {
        if (std::exchange(record.key_mark, key_mark) != key_mark)
            record.seen = record.durable_seen = record.writing_seen = 0;
    }
    std::size_t size() const { return records_.size(); }

    /// The counter of the next envelope to the device. 0 = none may be used before the file is written, or ever.
    std::uint32_t next(Record& record);
    /// The present `seen` of some record must come to disk, or all of them to another file.
    void want_write() { wants_write_ = true; }

    /// True = begin_write() is due. False while a write is under way.
    bool wants_write() const { return wants_write_ && !is_writing_; }
    /// The text of the whole file. The owner replaces the file by it, then calls end_write().
    std::string begin_write();
    /// `is_durable`: the text has reached the disk. Otherwise the write is wanted again.
    void end_write(bool is_durable);

private:
    std::map<SenderId, Record> records_;  // a tree: whoever has a key could choose client ids with equal hashes
    std::uint32_t first_counter_;
    std::size_t records_max_;
    bool wants_write_ = false;
    bool is_writing_ = false;
};

/// How packets to one device are put into envelopes. The pointers outlive it.
struct EnvelopeSender {
    const Secret* key = nullptr;  // nullptr = without envelopes
    EnvelopeCounters* counters = nullptr;
    EnvelopeCounters::Record* record = nullptr;

    bool is_used() const { return key != nullptr; }
    /// Empty = there is no counter left now, or the packet is too large.
    std::vector<Byte> seal(Bytes packet) const;
};

}  // namespace ledge::mqttsn
