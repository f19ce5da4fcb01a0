// ClientLoop and ClientConnection: one MQTT client of a command (`pub`, `sub`, `bridge test`) and its connection, on a
// loop of their own. The calls wait for the network. All of it is used on one thread, the main thread of the command.
//
//     open() ──stream──► begin() ──► await_web() ──► greet() ──► wait() ... ──► end()
//                                    └ ws://, wss:// ┘
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/client/client.hpp"
#include "ledge/net/connector.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/uplink/channel.hpp"
#include "ledge/uplink/options.hpp"

namespace ledge::cli {

/// What the connections of one command share.
struct ClientLoop {
    /// The error is a sentence: the system refuses descriptors or threads. `needs_tls`: a server speaks TLS.
    static Result<std::unique_ptr<ClientLoop>, std::string> create(bool needs_tls);
    /// Starts the threads that compute TLS. Returns "" or the problem, a sentence. create() calls this if needed.
    std::string start_workers();

    boost::asio::io_context io{1};
    std::unique_ptr<net::Poller> poller;
    std::unique_ptr<os::WorkerPool> workers;  // compute TLS; nullptr = no TLS
    net::Connector connector{io};
    bool is_stopped = false;  // the user ends the command; every wait returns at once
};

class ClientConnection {
public:
    /// Gets all news of the client, except Nothing. It may send by client().
    using OnEvent = std::function<void(const client::Event&)>;

    /// `loop` must outlive the connection.
    ClientConnection(ClientLoop& loop, OnEvent on_event);
    ~ClientConnection();
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    // ---- The steps, in their order

    /// Looks the name up and connects, with TLS if the destination has a context.
    net::Connector::Outcome open(const net::Destination& to, Duration timeout);
    /// Begins to use the stream of an Outcome. `server` says whether WebSocket stands above it. Returns false when the
    /// system refuses; errno says why.
    bool begin(std::unique_ptr<net::ClientStream> stream, const uplink::Server& server);
    /// Waits for the answer to the WebSocket request, if there is one. Returns "" or the reason of the failure.
    std::string await_web(Instant deadline);
    /// Sends CONNECT. wait() then waits for the answer.
    void greet(client::Options options, bool is_clean_start);
    /// Moves bytes until `is_done` returns true. Returns false when the connection is over before, when the user stops
    /// the command, and at the deadline.
    bool wait(Instant deadline, const std::function<bool()>& is_done);
    /// Sends DISCONNECT and ends both directions. Has no effect without begin().
    void end();

    // ---- State

    /// The client after greet().
    client::Client& client() { return *client_; }
    const client::Client& client() const { return *client_; }
    /// True when nothing more can come from the server. end_text() then says why: a sentence part.
    bool is_over() const { return is_over_; }
    const std::string& end_text() const { return end_text_; }
    /// The client has ended the connection for this reason; nullopt = it has not.
    const std::optional<client::Ended::Cause>& end_cause() const { return end_cause_; }
    wire::ReasonCode end_code() const { return end_code_; }
    /// Up to 8 bytes that the server has sent first.
    const std::string& first_bytes() const { return first_bytes_; }
    /// Requires begin().
    const uplink::Channel& channel() const { return *channel_; }

    /// The name of the server in end_text().
    void set_server_name(std::string name) { server_name_ = std::move(name); }

private:
    bool turn(Instant now);
    bool read(Instant now);
    bool write(Instant now);
    void sleep(Instant until, Instant now);
    void on_event(const client::Event& event);

    ClientLoop& loop_;
    OnEvent on_event_;
    std::string server_name_ = "the broker";
    std::unique_ptr<uplink::Channel> channel_;  // nullptr = no connection
    std::optional<client::Client> client_;
    std::string first_bytes_;
    bool is_over_ = false;
    std::string end_text_;
    std::optional<client::Ended::Cause> end_cause_;
    wire::ReasonCode end_code_ = wire::ReasonCode::success;
};

}  // namespace ledge::cli
