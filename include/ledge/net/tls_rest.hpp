// TlsRest: knows the connections of a TLS listener, and takes the record buffers from those that are idle. So a device
// that reports once a minute holds 8 KiB of memory for a few seconds of that minute, and not all the time.
#pragma once

#include <boost/intrusive/list.hpp>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::net {

class TlsRest;
class TlsSession;
struct ByRest;
using RestHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ByRest>>;

/// A connection whose buffers may be taken: a TlsLink, or a part of a TlsStream.
class Restable : public RestHook {
public:
    Restable(const Restable&) = delete;
    Restable& operator=(const Restable&) = delete;
    virtual ~Restable();

protected:
    Restable() = default;

    /// The connection reads or writes, and gets its buffers back by that.
    void mark_active();

private:
    friend class TlsRest;
    /// Gives the buffers back. False: a record is under way.
    virtual bool rest() = 0;
    /// nullptr: the connection is closed already.
    virtual TlsSession* session() = 0;

    TlsRest* place_ = nullptr;  // nullptr: the TlsRest has ended before the connection
    bool was_active_ = false;   // since the last look
    bool is_resting_ = false;
};

class TlsRest {
public:
    static constexpr Duration interval =
        10s;  // between two looks; a connection without activity from one look to the next is idle

    TlsRest() = default;
    TlsRest(const TlsRest&) = delete;
    TlsRest& operator=(const TlsRest&) = delete;
    /// The connections keep the buffers that they have.
    ~TlsRest();

    void add(Restable& link, Instant now);
    void on_time(Instant now);
    std::vector<TlsSession*> sessions();
    /// `never` while no connection has buffers to give back.
    Instant next_deadline() const { return awake_.empty() ? never : look_at_; }

private:
    friend class Restable;
    using List = boost::intrusive::list<Restable, boost::intrusive::base_hook<RestHook>>;

    List awake_;
    List resting_;
    Instant look_at_{};
};

}  // namespace ledge::net
