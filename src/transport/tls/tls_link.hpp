// TlsLink: an MQTT peer's TLS connection, served by the poller.
#pragma once

#include <memory>

#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"
#include "ledge/transport/poller.hpp"
#include "tls_rest.hpp"
#include "tls_session.hpp"

namespace ledge::transport {

class TlsLink final : public Link, public Pollable, public Restable {
public:
    static constexpr std::size_t parts_per_record_max = 64;

    /// `session`: its handshake is done. nullptr when the poller refuses it; it is closed then.
    static std::unique_ptr<TlsLink> create(std::unique_ptr<TlsSession> session, Driver& driver);

private:
    TlsLink(std::unique_ptr<TlsSession> session, Driver& driver) : driver_(driver), session_(std::move(session)) {}

    void on_ready(std::uint32_t events) override;
    void read(bool is_broken);
    void decrypt();

    Wrote write(session::Outbox& outbox) override;
    void set_reading(bool is_wanted) override;
    void ask_writable() override { set_writable_wanted(true); }
    void finish() override;
    void close() noexcept override { session_.reset(); }

    bool rest() override { return session_ == nullptr || session_->rest(); }
    TlsSession* session() override { return session_.get(); }

    void set_writable_wanted(bool is_wanted);
    void watch();
    void unwatch();

    Driver& driver_;
    std::unique_ptr<TlsSession> session_;  // nullptr: closed
    bool is_writable_wanted_ = false;
    bool is_reading_ = true;
    bool is_watched_ = true;    // by the poller
    bool is_finished_ = false;  // our end is sent: what still comes is dropped unread
};

}  // namespace ledge::transport
