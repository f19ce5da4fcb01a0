// IdleBuffers: gives the record buffers of idle TLS connections back to the system. It has a list of the connections of
// one TLS listener. A device that reports once a minute then holds 8 KiB of memory for 10 to 20 seconds of that minute,
// and not all the time. The front of the listener owns the object and calls it on the loop's thread.
#pragma once

#include <boost/intrusive/list.hpp>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::net {

class IdleBuffers;
class TlsSession;
struct ByRest;
using RestHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ByRest>>;

/// A connection whose record buffers can be given back: a TlsLink, or the entry of a TlsStream. A connection "rests"
/// while it has no buffers, and is "awake" otherwise.
class BufferHolder : public RestHook {
public:
    BufferHolder(const BufferHolder&) = delete;
    BufferHolder& operator=(const BufferHolder&) = delete;
    virtual ~BufferHolder();

protected:
    BufferHolder() = default;

    /// Called before the connection reads or writes. The read or write itself brings the buffers back.
    void mark_active();

private:
    friend class IdleBuffers;
    /// Gives the buffers back. Returns false when a record is only partly read or written; the buffers stay then.
    virtual bool rest() = 0;
    /// The connection's session; nullptr when the connection is closed already.
    virtual TlsSession* session() = 0;

    IdleBuffers* place_ = nullptr;  // the list's owner; nullptr before add() and after the end of the IdleBuffers
    bool was_active_ = false;       // there was a read or a write since the last look
    bool is_resting_ = false;
};

class IdleBuffers {
public:
    /// The time between two looks at all connections. A connection without activity from one look to the next is idle.
    static constexpr Duration interval = 10s;

    IdleBuffers() = default;
    IdleBuffers(const IdleBuffers&) = delete;
    IdleBuffers& operator=(const IdleBuffers&) = delete;
    /// The connections may outlive this object; they keep the buffers that they have.
    ~IdleBuffers();

    void add(BufferHolder& link, Instant now);
    /// Looks at the connections if next_deadline() has passed.
    void on_time(Instant now);
    /// The sessions of all open connections.
    std::vector<TlsSession*> sessions();
    /// `never` while no connection has buffers to give back.
    Instant next_deadline() const { return awake_.empty() ? never : look_at_; }

private:
    friend class BufferHolder;
    using List = boost::intrusive::list<BufferHolder, boost::intrusive::base_hook<RestHook>>;

    List awake_;
    List resting_;
    Instant look_at_{};
};

}  // namespace ledge::net
