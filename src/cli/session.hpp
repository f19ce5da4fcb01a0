// Session: the connection of `pub` or `sub` to a broker, from the options of the command line to the DISCONNECT. Owned
// by the command, on the main thread. What goes wrong is told on the console; the result is then the exit status.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ledge/cli/client_loop.hpp"
#include "ledge/cli/console.hpp"
#include "ledge/cli/options.hpp"
#include "stop_signals.hpp"

namespace ledge::cli {

class Session {
public:
    /// Both must outlive the session.
    Session(const ConnectionOptions& options, const Console& console);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Connects. `limits` are those of the client. Gives `on_event` the news, from CONNACK on. Returns nullopt when the
    /// broker has accepted the connection.
    std::optional<int> connect(const client::Limits& limits, ClientConnection::OnEvent on_event);
    /// Waits until `is_done` returns true; nullopt = it has. Otherwise the session has ended, was interrupted, or has
    /// used up its time, and the reason is told. `what` says what was waited for: "no SUBACK". Without
    /// `tells_interruption` an interruption is not told.
    std::optional<int> wait(const std::function<bool()>& is_done, const std::string& what,
                            bool tells_interruption = true);
    /// As above, but returns quietly after `pause`.
    std::optional<int> pause(Duration pause);
    /// Tells a step of the command to a user who has asked for it.
    void tell(const std::string& step) const;
    /// Sends DISCONNECT, as far as there is a connection.
    void end();

    client::Client& client() { return connection_->client(); }
    ClientLoop& loop() { return *loop_; }
    bool is_interrupted() const { return loop_ != nullptr && loop_->is_stopped; }

private:
    std::optional<int> begin_loop();
    std::optional<int> reach();
    Result<client::Options, std::string> client_options(const client::Limits& limits) const;
    int fail(const std::string& sentence, int status = exit_refused);
    int fail_wait(const std::string& what);
    std::string server_text() const;

    const ConnectionOptions& options_;
    const Console& console_;
    Instant deadline_;
    std::unique_ptr<ClientLoop> loop_;
    std::unique_ptr<StopSignals> signals_;
    std::unique_ptr<ClientConnection> connection_;
    bool is_connected_ = false;  // CONNACK has come
};

/// "0x87 not_authorized".
std::string text_of(wire::ReasonCode code);

}  // namespace ledge::cli
