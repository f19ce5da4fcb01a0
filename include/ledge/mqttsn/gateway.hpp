// Gateway: all devices of one link (a UDP socket or a serial line), without I/O. It finds the Endpoint of each packet
// by the address of its peer, and answers peers that it does not know. Single-threaded.
//
// A peer is a link address, whose bytes only the owner understands, and the node id of a forwarder in between, if there
// is one. A device is a client id; it keeps its Endpoint when it comes back from another address. A device with a key
// is known by its envelopes, whatever address they come from.
//
// The owner moves bytes and tells the time:
//     on_packet() for each packet of the link
//     while has_output(): send output() to its address, output_sent()
//     while take_inner(): for this device
//         if wants_inner(): open an inner link; inner_opened(), or inner_closed() when the broker accepts none
//         send inner_output() to the broker, inner_sent()
//         if wants_inner_close(): end the link when the broker has read everything, then inner_closed()
//     inner_bytes() with bytes of the broker; inner_closed() when the broker has closed a link
//     on_time() at next_deadline(); take_event() until it returns nothing
//     link_opened() when the serial line or socket is open (again); the sessions stay while it is not
//     if wants_counters_written(): write counters_to_write() to a file, then counters_written(); load_counters() at the
//     start
//     before the end: stop(), then the calls above until no inner link is open
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/base/text_hash.hpp"
#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/mqttsn/counters.hpp"
#include "ledge/mqttsn/deadline_heap.hpp"
#include "ledge/mqttsn/device_index.hpp"
#include "ledge/mqttsn/device_table.hpp"
#include "ledge/mqttsn/endpoint.hpp"
#include "ledge/mqttsn/envelope_counters.hpp"
#include "ledge/mqttsn/gateway_event.hpp"
#include "ledge/mqttsn/gateway_options.hpp"
#include "ledge/mqttsn/output_queue.hpp"
#include "ledge/mqttsn/predefined_topics.hpp"

namespace ledge::mqttsn {

/// A device of one gateway; 0 is the session that publishes messages of QoS -1. A number is used again after its device
/// was forgotten, which happens only when its inner link is closed.
using DeviceId = std::uint32_t;
inline constexpr DeviceId connectionless_device = 0;

class Gateway {
public:
    static constexpr std::size_t address_bytes_max = 64;
    /// The topic ids of a connection begin at most here, so that ids from 0x8000 on are used only after 4,096 topics.
    /// There are clients that read the topic id of REGACK as a signed number (README, "MQTT-SN clients").
    static constexpr TopicId first_topic_id_max = 0x7000;

    /// `seed` keeps unknown peers from choosing addresses and client ids with equal hashes, and decides the first topic
    /// ids (topic_table.hpp). The owner passes real entropy.
    Gateway(GatewayOptions options, PredefinedTopics predefined, std::uint64_t seed, Instant now);
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    // ---- The link
    /// One packet of the peer at `address`, which has 1 to address_bytes_max bytes. Any bytes may be in `packet`.
    void on_packet(Bytes address, Bytes packet, Instant now);
    bool has_output() const { return !output_.empty(); }
    /// Requires has_output(). Valid until output_sent(). An empty address means a broadcast.
    const OutputQueue::Packet& output() { return output_.front(); }
    void output_sent() { output_.drop_front(); }
    /// The link is open, for the first time or again.
    void link_opened(Instant now);

    // ---- Who may connect
    /// Begins without a table: everybody may connect. A device that the new table no longer admits, or whose user, key
    /// or topics are others, gets DISCONNECT, and its inner link ends with the will. Others go on.
    void set_devices(DeviceTable table, Instant now);
    /// The user of the device's session; "" = the one of the listener. Valid until set_devices().
    std::string_view user(DeviceId id) const;
    /// The counters of before a restart, before the first packet. False = the text is damaged, and nothing was read.
    bool load_counters(std::string_view text) { return envelope_counters_.load(text); }
    /// True = devices with a key wait until the file of counters is written.
    bool wants_counters_written() const { return envelope_counters_.wants_write(); }
    /// The whole text of the file. The owner replaces the file, and then calls counters_written().
    std::string counters_to_write() { return envelope_counters_.begin_write(); }
    /// `is_durable`: the text has reached the disk. Otherwise it is wanted again at once; the owner makes a pause.
    void counters_written(bool is_durable, Instant now);

    // ---- The broker
    /// False: the broker does not work, so no device may connect and nothing is advertised. The beginning is true.
    void set_usable(bool is_usable, Instant now);
    /// A device whose inner link wants one of the calls above; each change brings it once. nullopt = none.
    std::optional<DeviceId> take_inner();
    /// True: take_inner() returns a device.
    bool has_inner() const { return !inner_wanted_.empty(); }
    std::string_view client_id(DeviceId id) const;
    /// The link address where the device is, without the node id of a forwarder; empty for a device that is nowhere.
    Bytes address(DeviceId id) const;
    bool wants_inner(DeviceId id) const { return inner(id).wants_open(); }
    void inner_opened(DeviceId id, Instant now);
    Bytes inner_output(DeviceId id) const { return inner(id).output(); }
    void inner_sent(DeviceId id, std::size_t count, Instant now);
    /// Reads all of `input`.
    void inner_bytes(DeviceId id, Bytes& input, Instant now);
    bool wants_inner_close(DeviceId id) const { return inner(id).wants_close(); }
    void inner_closed(DeviceId id, Instant now);

    // ---- Time and news
    void on_time(Instant now);
    Instant next_deadline() const;
    std::optional<GatewayEvent> take_event() { return events_.take(); }
    /// Ends all connections. The sessions stay, no will is published, and no device is accepted any more.
    void stop(Instant now);

    // ---- Figures
    const Counters& counters() const { return counters_; }
    std::size_t devices() const { return by_name_.size(); }
    std::size_t count_in(Endpoint::State state) const;

private:
    /// What a rule of the devices file gives one device. Devices without such a rule need none of it.
    struct Own {
        Own(PredefinedTopics of_device, const EndpointServices& shared)
            : topics(std::move(of_device)), services{shared.options, topics, shared.counters, shared.events} {}
        Own(const Own&) = delete;
        Own& operator=(const Own&) = delete;
        const PredefinedTopics topics;
        const EndpointServices services;
        EnvelopeSender envelopes;
        TokenBucket rate;  // of messages from the device
    };
    struct Device {
        Device(std::string client_id, TopicId first_topic_id, const EndpointServices& shared,
               std::unique_ptr<Own> of_rule)
            : own(std::move(of_rule)),
              endpoint(std::move(client_id), first_topic_id, own == nullptr ? shared : own->services) {}
        bool has_key() const { return own != nullptr && own->envelopes.is_used(); }
        bool is_away() const { return endpoint.state() == Endpoint::State::disconnected; }
        std::unique_ptr<Own> own;
        std::string key;  // peer := address_size:u8 address node_id; "" = the device is at no address
        Endpoint endpoint;
        Instant heard_at{};
        bool is_taking = false;    // in inner_wanted_
        bool is_outdated = false;  // expelled; forgotten when its inner link is closed
    };
    /// Where a packet comes from. `proof`: of whose envelope; nullptr = it came without one.
    struct Peer {
        std::string_view key;
        const EnvelopeSender* proof = nullptr;
    };
    /// The CONNECT of a device with a key, until its counter is on disk.
    struct HeldConnect {
        std::string key;
        std::uint32_t counter = 0;
        std::vector<Byte> packet;
    };
    struct KeyOf {
        const Gateway* gateway;
        std::string_view operator()(DeviceId id) const { return gateway->devices_[id]->key; }
    };
    struct NameOf {
        const Gateway* gateway;
        std::string_view operator()(DeviceId id) const { return gateway->devices_[id]->endpoint.client_id(); }
    };

    // gateway.cpp
    Device& device(DeviceId id) { return *devices_[id]; }
    const InnerSession& inner(DeviceId id) const;
    PeerOutput output_to(Peer peer);
    PeerOutput output_to(const Device& device);
    void after(DeviceId id);
    void note_inner(DeviceId id, bool& is_taking, const InnerSession& session);
    void bind(DeviceId id, std::string_view key);
    void unbind(DeviceId id);
    void advertise(Instant now);

    // gateway_peers.cpp: whose packet it is
    void on_message(std::string_view key, const Message& message, std::size_t size, Instant now);
    void deliver(DeviceId id, const Message& message, Instant now);
    void on_connect(Peer from, const Connect& message, Instant now);
    ReturnCode check_connect(Peer from, const Connect& message);
    void refuse_connect(Peer from, ReturnCode code);
    std::optional<DeviceId> admit(Peer from, const Connect& message, Instant now);
    void vacate(std::string_view key);
    bool move_here(DeviceId id, Peer from, Instant now);
    bool make_room();
    DeviceId add_device(std::string_view client_id, Instant now);
    void forget(DeviceId id);
    bool wake_elsewhere(std::string_view key, const Pingreq& message, Instant now);
    void answer_unknown(std::string_view key, const Message& message, Instant now);
    bool may_answer(TokenBucket& bucket, Instant now);

    // gateway_devices.cpp: the devices file
    ReturnCode check_rule(Peer from, std::string_view client_id);
    std::unique_ptr<Own> own_of(std::string_view client_id, Instant now);
    void expel(DeviceId id, Instant now);
    bool is_below_rate(Device& one, const Publish& message, Instant now);

    // gateway_envelopes.cpp: devices with a key
    void on_envelope(std::string_view key, Bytes packet, Instant now);
    std::string_view name_in(const Envelope& envelope, const Result<Message, Violation>& message);
    EnvelopeSender check_envelope(const Envelope& envelope, const Result<Message, Violation>& message);
    void on_proven(Peer from, const Envelope& envelope, const Message& message, Instant now);

    // connectionless.cpp: QoS -1
    void on_connectionless(std::string_view key, const Publish& message, Instant now);
    bool may_publish(std::string_view key, Instant now);
    void want_connectionless();

    const GatewayOptions options_;
    const PredefinedTopics predefined_;
    Counters counters_;
    GatewayEvents events_;
    EndpointServices services_;
    OutputQueue output_;
    TextHash hash_;
    std::vector<std::unique_ptr<Device>> devices_;  // by DeviceId; [0] is empty
    std::vector<DeviceId> free_ids_;
    DeviceIndex<KeyOf> by_key_;
    DeviceIndex<NameOf> by_name_;
    DeadlineHeap deadlines_;
    Ring<DeviceId> inner_wanted_;
    TopicId next_first_topic_id_;
    TokenBucket unknown_;
    TokenBucket connects_;  // of its own, so that devices come back while others chatter
    InnerSession connectionless_;
    bool is_connectionless_taking_ = false;
    std::vector<TokenBucket> connectionless_rates_;  // by the hash of the peer; peers with equal ones share a rate
    DeviceTable table_;
    EnvelopeCounters envelope_counters_;
    std::map<SenderId, HeldConnect> held_connects_;
    Instant advertise_at_ = never;
    bool is_usable_ = true;
    bool is_stopped_ = false;
};

}  // namespace ledge::mqttsn
