// Link: one simulated network connection: two byte streams, cut into pieces by the world.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "event.hpp"
#include "ledge/session/link_handle.hpp"

namespace ledge::session {
class Connection;
}

namespace ledge::sim {

/// A whole packet in a stream.
struct Parcel {
    std::size_t end = 0;  // offset behind its last byte
    std::vector<Byte> frame;
    Event event;  // what it says; only from the broker to the client
};

struct Link : session::LinkHandle {
    std::int32_t number = 0;
    std::int32_t client = -1;                   // -1: a stranger
    session::Connection* connection = nullptr;  // nullptr: the broker's end is closed
    bool is_client_gone = false;                // the client's end is closed
    bool is_closing_seen = false;
    bool is_stalled = false;  // the client does not read
    std::size_t window_bytes = 1U << 20U;
    std::size_t outbox_peak = 0;
    wire::PacketId last_id = 0;   // of the last PUBLISH the broker was given
    bool is_refused = false;      // the broker has refused the last publication, and may close the connection for it
    wire::ReasonCode farewell{};  // of the DISCONNECT the broker has sent
    wire::Version version = wire::Version::v3_1_1;
    bool is_version_known = false;
    bool is_session_present = false;  // as CONNACK should say

    // Towards the broker
    std::vector<Byte> up;
    std::size_t up_given = 0;
    std::deque<Parcel> up_parcels;    // not yet wholly given
    std::optional<Parcel> postponed;  // CONNECT, given, but its client identifier is fought for: it waits for its turn
    bool is_superseded = false;       // a newer one waits now
    std::map<std::uint32_t, std::string> up_aliases;

    // Towards the client
    std::vector<Byte> down;
    std::size_t down_given = 0;
    std::size_t down_cut = 0;  // up to here it is cut into parcels
    std::deque<Parcel> down_parcels;
    std::map<std::uint32_t, std::string> down_aliases;

    void send_up(const std::vector<Byte>& frame) {
        up.insert(up.end(), frame.begin(), frame.end());
        up_parcels.push_back(Parcel{up.size(), frame, {}});
    }
    std::size_t in_transit() const { return down.size() - down_given; }
};

/// Bytes of the packet at the front, 0 when that is not known yet; `is_broken` when there can be none.
std::size_t packet_size(Bytes stream, bool& is_broken);

/// Fills in what the packet says. False: it does not decode. Topic aliases are learned and resolved.
bool describe(Bytes frame, wire::Version version, std::map<std::uint32_t, std::string>& aliases, Event& event);

}  // namespace ledge::sim
