// BridgeTrial: one test connection of a bridge to one server of its upstream, for `ledgemq bridge test`. It uses the
// parts of which a running bridge is made (Connector, Channel, Upstream, Client), but carries no messages. Each step is
// one printed line:
//
//     password ──► name, TCP, TLS ──► WebSocket ──► CONNACK ──► SUBACK of each filter ──► PUBACK ──► DISCONNECT
//                                        ▲ └ ws://, wss:// ┘ │                               └ only with a topic
//                                        └── another dialect ┘
//
// Owned by the command; everything runs on the main thread, and the calls wait for the network.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/cli/client_loop.hpp"
#include "ledge/uplink/options.hpp"
#include "ledge/uplink/tls_files.hpp"

namespace ledge::daemon {

class BridgeTrial {
public:
    /// `loop` and `options` must outlive the trial. The options name the client id of the test, and no will.
    BridgeTrial(cli::ClientLoop& loop, const uplink::UplinkOptions& options, const uplink::Server& server,
                const PrintLine& print);
    ~BridgeTrial();
    BridgeTrial(const BridgeTrial&) = delete;
    BridgeTrial& operator=(const BridgeTrial&) = delete;

    /// Tries all steps, until one fails that the others need. `topic`: of the upstream, for one message; "" = none.
    /// Returns true if every step has worked. Call once.
    bool run(const std::string& topic);

private:
    // The steps. Each prints its line, and returns true if it has worked.
    bool make_password();
    bool reach();
    bool greet();
    bool subscribe_all();
    bool subscribe(const std::vector<bridge::Subscription>& filters);
    bool publish(const std::string& topic);

    void tell(const std::string& step, bool has_worked, const std::string& text);
    bool fail(const std::string& step, const std::string& text);
    void tell_way(const net::Connector::Outcome& outcome);
    void tell_accepted();
    std::string text_of_limits() const;
    std::string text_of_silence(Duration waited) const;
    void step_down(Instant begin);

    void on_event(const client::Event& event);

    cli::ClientConnection connection_;
    const uplink::UplinkOptions& options_;
    uplink::Server server_;
    const PrintLine& print_;
    bridge::RelayOptions relay_;  // of options_, with the password
    uplink::TlsFiles tls_files_;
    bridge::Upstream upstream_;  // each server is judged for itself, so nothing is known before

    // Of one connection
    std::optional<bool> session_present_;                   // of CONNACK; nullopt = it has not come
    std::optional<std::vector<wire::ReasonCode>> granted_;  // of the last SUBACK; nullopt = it has not come
    std::optional<client::PublishDone> published_;
};

}  // namespace ledge::daemon
