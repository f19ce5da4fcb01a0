// WebFrontState: the peers of a web front that are no WebSockets, and their deadlines. The web front owns the state,
// and its sessions refer to it. On the loop's thread.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ledge/base/log.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/shares.hpp"
#include "ledge/base/time.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/web.hpp"
#include "ws_link.hpp"

namespace ledge::transport {

/// What a visitor does at present. Each activity has its own time limit and its own list in the front.
enum class Visit : std::uint8_t {
    requesting,  // the front waits for a request, or until an answer is sent
    waiting,     // the handler has the request and will answer later
    streaming,   // pieces of a streaming answer are being sent
    quiet,       // a streaming answer has no unsent bytes; there is no time limit
    ending,      // the front has sent its end and waits for the peer's end
};
inline constexpr std::size_t visit_count = 5;

/// A session as the front sees it. The front has a list of visitors for each activity, ordered by deadline.
class Visitor : public boost::intrusive::list_base_hook<> {
public:
    virtual ~Visitor() = default;
    /// The deadline has passed.
    virtual void expire() = 0;
    /// Closes the connection at once, without an answer.
    virtual void close() = 0;

    Instant deadline = never;
    NetworkId network = NetworkId::none;
    boost::intrusive::list<Visitor>* list = nullptr;  // the list that contains the visitor; nullptr = none
};

/// The state that all sessions of a front share. The front closes its sessions before its end.
struct WebFrontState {
    using List = boost::intrusive::list<Visitor>;

    WebOptions options;
    const HttpHandler& handler;
    Driver& driver;
    const Log& log;
    PeerCount count = std::make_shared<std::size_t>(0);
    std::array<List, visit_count> lists{};  // by Visit
    Shares<NetworkId> networks{};           // how many visitors of all lists each network has
    std::size_t bodies_bytes = 0;           // the sum of the bodies that are being read or handled

    List& list_of(Visit visit) { return lists[static_cast<std::size_t>(visit)]; }
    void make_room();
    void wait(Visitor& visitor, Visit visit);
    void forget(Visitor& visitor);
    Duration time_of(Visit visit) const;
};

}  // namespace ledge::transport
