// Moves bytes between the clients of a gateway and the core, and opens and closes their inner links.
#include "device_links.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/link/options.hpp"
#include "packet_link.hpp"

namespace ledge::link {

namespace {

// An idle end owns no memory for its queues. What does not fit stays in the client's outbox or in the connection's, and
// both have limits of their own.
constexpr transport::InnerLinkLimits inner_limits{4096, 4096};

}  // namespace

DeviceLinks::End::End(transport::Driver& driver, transport::InnerReadyList& ready, mqttsn::DeviceId device)
    : InnerEnd(driver, inner_limits, &ready), id(device) {}

DeviceLinks::DeviceLinks(const LinkOptions& options, mqttsn::Gateway& gateway, transport::Driver& driver)
    : options_(options), gateway_(gateway), driver_(driver) {}

DeviceLinks::~DeviceLinks() {
    ends_.clear();
    // Each end has left the list in its destructor.
    LEDGE_ASSERT(ready_.empty());
}

void DeviceLinks::turn(const PacketLink& link, Instant now) {
    // Only those that stand in the list now: the core may put an end into it again at once, and the others must not
    // wait for it.
    transport::InnerReadyList ready;
    ready.swap(ready_);
    while (!ready.empty()) {
        End& end = static_cast<End&>(ready.front());
        ready.pop_front();
        serve(end.id, link, now);
    }
    while (const auto id = gateway_.take_inner()) serve(*id, link, now);
}

void DeviceLinks::serve(mqttsn::DeviceId id, const PacketLink& link, Instant now) {
    // An end of an earlier connection is gone by now: the gateway wants a new one only after inner_closed().
    if (gateway_.wants_inner(id)) open(id, link, now);
    End* const end = id < ends_.size() ? ends_[id].get() : nullptr;
    // The broker has refused the connection, or the gateway wanted a call that its end no longer needs.
    if (end == nullptr) return;
    read(*end, now);
    write(*end, now);
    // Only behind the last byte, which is the DISCONNECT of the client.
    if (gateway_.wants_inner_close(id) && gateway_.inner_output(id).empty()) end->finish();
    end->turn();
    // The core may have made room for the rest.
    write(*end, now);
    if (end->is_open() || !end->readable().empty()) {
        // Destroyed ends leave the list by themselves; this one goes on.
        if ((end->wants_turn() || !end->readable().empty()) && !end->is_linked()) ready_.push_back(*end);
        return;
    }
    // Closed, and everything was read. Only now may the gateway give the number to another device.
    ends_[id].reset();
    --open_;
    gateway_.inner_closed(id, now);
}

void DeviceLinks::open(mqttsn::DeviceId id, const PacketLink& link, Instant now) {
    if (id >= ends_.size()) ends_.resize(id + 1);
    LEDGE_ASSERT(ends_[id] == nullptr);
    auto end = std::make_unique<End>(driver_, ready_, id);
    // Messages of QoS -1 have a session of their own, whose user the operator has named for them.
    const bool is_device = id != mqttsn::connectionless_device;
    // The user of the devices file, or else the one of the listener.
    std::string user = is_device ? std::string(gateway_.user(id)) : options_.connectionless_user;
    if (is_device && user.empty()) user = options_.user;
    const std::string address = link.text_of(gateway_.address(id));
    // The user counts as proven: who reaches the port is this user. Without one, the listener's rules for anonymous
    // clients decide.
    if (!end->open({options_.listener, address, user})) return gateway_.inner_closed(id, now);
    ends_[id] = std::move(end);
    ++open_;
    gateway_.inner_opened(id, now);
}

void DeviceLinks::read(End& end, Instant now) {
    const Bytes all = end.readable();
    if (all.empty()) return;
    Bytes input = all;
    gateway_.inner_bytes(end.id, input, now);
    // The gateway reads everything, so an end seldom keeps memory over a turn.
    end.consume(all.size() - input.size());
}

void DeviceLinks::write(End& end, Instant now) {
    const Bytes output = gateway_.inner_output(end.id);
    // What does not fit waits in the gateway's client, which has a limit of its own.
    if (output.empty() || !end.is_open()) return;
    if (const std::size_t count = end.write(output); count > 0) gateway_.inner_sent(end.id, count, now);
}

}  // namespace ledge::link
