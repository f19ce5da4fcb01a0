// TlsRest: knows the connections of a TLS listener. It notices those that have been silent for a while and lets their
// buffers go: a device that reports once a minute holds its memory for a few seconds of it.
#pragma once

#include <boost/intrusive/list.hpp>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::transport {

class TlsRest;
class TlsSession;
struct ByRest;
using RestHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ByRest>>;

/// A connection as it is seen here: a TlsLink, or a TlsStream's part.
class Restable : public RestHook {
public:
    Restable(const Restable&) = delete;
    Restable& operator=(const Restable&) = delete;
    virtual ~Restable();

protected:
    Restable() = default;

    /// Something is going to be read or written.
    void stir();

private:
    friend class TlsRest;
    /// false: not now.
    virtual bool rest() = 0;
    /// nullptr: closed already.
    virtual TlsSession* session() = 0;

    TlsRest* place_ = nullptr;  // nullptr: nobody lets it rest any more
    bool is_stirred_ = false;   // since the last look
    bool is_resting_ = false;
};

class TlsRest {
public:
    static constexpr Duration interval = 10s;  // between two looks: silent from one to the next is silent

    TlsRest() = default;
    TlsRest(const TlsRest&) = delete;
    TlsRest& operator=(const TlsRest&) = delete;
    /// The links stay as they are.
    ~TlsRest();

    void add(Restable& link, Instant now);
    void on_time(Instant now);
    std::vector<TlsSession*> sessions();
    /// `never` while all rest.
    Instant next_deadline() const { return awake_.empty() ? never : look_at_; }

private:
    friend class Restable;
    using List = boost::intrusive::list<Restable, boost::intrusive::base_hook<RestHook>>;

    List awake_;
    List resting_;
    Instant look_at_{};
};

}  // namespace ledge::transport
