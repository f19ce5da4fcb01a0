// Ack barrier: when may a PUBLISH be acknowledged? When its records are durable, or earlier, when every subscriber it
// was owed to has acknowledged it. A barrier is held by each delivery that could make the commit unnecessary.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/wire/types.hpp"

namespace ledge::session {

class Connection;

/// 0: none.
using BarrierId = std::uint32_t;

class AckBarriers {
public:
    /// A new barrier, held once, by the caller.
    BarrierId open();
    void hold(BarrierId id) { ++at(id).holders; }
    /// Some record of it cannot be made unnecessary: only the commit will do.
    void require_commit(BarrierId id) { at(id).is_commit_required = true; }
    /// `connection` waits with its acknowledgement `number` of `kind`.
    void attach(BarrierId id, Connection& connection, wire::PacketType kind, std::uint32_t number);
    /// It waits no more.
    void forget(BarrierId id) { at(id).publisher = nullptr; }
    /// One holder less. With the last one the acknowledgement is due, unless a commit is required.
    void release(BarrierId id);

private:
    struct Barrier {
        Connection* publisher = nullptr;
        std::uint32_t number = 0;
        std::uint32_t holders = 0;
        wire::PacketType kind = wire::PacketType::puback;
        bool is_commit_required = false;
    };
    Barrier& at(BarrierId id);

    std::vector<Barrier> barriers_;  // by id - 1
    std::vector<BarrierId> free_;
};

}  // namespace ledge::session
