// Listening: the fronts and listeners of a loop: those that are opened at the start, those that a reload adds, and
// those that wait for their address. A BrokerLoop owns the object; on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "late_listeners.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/front.hpp"
#include "ledge/transport/listener.hpp"
#include "ledge/transport/web.hpp"
#include "tls_workers.hpp"

namespace ledge::runtime {

class Listening {
public:
    /// What listeners and fronts use. WebSocket and the pages run on `io`; TLS uses `tls_workers`. All of them outlive
    /// the object.
    struct Services {
        boost::asio::io_context& io;
        TlsWorkers& tls_workers;
        transport::Driver& driver;
        const transport::HttpHandler& pages;
        const Log& log;
        os::GivenSockets* given = nullptr;  // sockets to use instead of new ones
    };
    explicit Listening(const Services& services)
        : services_(services), late_listeners_(services.io, services.driver, services.log) {}
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

    /// Makes the layers between the sockets of a listener and MQTT. `index` and `name` are those of the shard's
    /// listener.
    using MadeFront = Result<std::unique_ptr<transport::Front>, Error>;
    MadeFront make_front(std::uint16_t index, const std::string& name, const FrontOptions& wanted);
    /// As make_front(), for pages without MQTT.
    MadeFront make_admin_front(const AdminOptions& admin);

    /// Opens an endpoint at the start. An address that this machine does not have yet is no error: it is tried again.
    /// `index` = the shard's listener; empty = the admin listener, which serves no MQTT. `name` is the listener's, by
    /// which a given socket may be meant.
    Result<bool, Error> open(std::optional<std::uint16_t> index, const std::string& name,
                             const transport::Endpoint& endpoint, std::unique_ptr<transport::Front> front,
                             const transport::AcceptRate& rate = {});
    /// Opens an endpoint that a reload adds. Whatever keeps it from being opened now, it is tried again. A host name is
    /// looked up first, while the clients are served.
    void add(std::uint16_t index, const std::string& name, const transport::Endpoint& endpoint,
             std::unique_ptr<transport::Front> front, const transport::AcceptRate& rate);

    /// Reads the files of the fronts (keys, certificates) again.
    void reload();
    /// Stops accepting, and closes the peers that are no links yet.
    void close();
    /// See the functions of BrokerLoop.
    void add_duplicates(std::vector<os::GivenSocket>& to) const;
    /// From now on the files of Unix sockets belong to a process that has duplicates of the sockets.
    void keep_files();

    void on_time(Instant now);
    Instant next_deadline() const;

    /// True while Asio serves peers of a front, one handler per event.
    bool has_asio_peers() const;
    /// See the functions of BrokerLoop.
    std::vector<std::string> addresses() const;
    transport::TlsCounters tls_counters() const;
    transport::TlsCounters tls_counters(std::uint16_t index) const;

private:
    MadeFront make_tls_front(std::uint16_t index, const std::string& name, const FrontOptions& wanted);

    Services services_;
    std::vector<std::unique_ptr<transport::Front>> fronts_;
    std::vector<std::optional<std::uint16_t>> indexes_;  // fronts_[i] serves the shard's listener indexes_[i]
    struct Open {
        std::string name;
        std::unique_ptr<transport::Listener> listener;
    };
    std::vector<Open> listeners_;  // they refer to the fronts
    LateListeners late_listeners_;
};

}  // namespace ledge::runtime
