// TlsLink: the link of an MQTT peer over TLS, which the poller watches. The driver owns the link. On the shard's
// thread.
#pragma once

#include <memory>
#include <utility>

#include "../polled_link.hpp"
#include "ledge/net/idle_buffers.hpp"
#include "ledge/net/tls_session.hpp"

namespace ledge::transport {

class TlsLink final : public PolledLink, public net::BufferHolder {
public:
    static constexpr std::size_t parts_per_record_max = 64;  // memory pieces that are joined in one record

    /// `session` has completed its handshake. Returns nullptr when the poller refuses the socket; errno says why, and
    /// the socket is closed.
    static std::unique_ptr<TlsLink> create(std::unique_ptr<net::TlsSession> session, Driver& driver);
    ~TlsLink() override = default;
    LinkFacts facts() const override {
        if (session_ == nullptr) return {"tls", {}, {}};
        return {"tls", session_->version(), session_->cipher()};
    }

private:
    TlsLink(std::unique_ptr<net::TlsSession> session, Driver& driver)
        : PolledLink(session->descriptor(), driver), session_(std::move(session)) {}

    void read(bool is_broken) override;
    void decrypt();

    Wrote write(session::Outbox& outbox) override;
    void finish() override;
    void close() noexcept override {
        mark_closed();
        session_.reset();
    }

    bool rest() override { return session_ == nullptr || session_->rest(); }
    net::TlsSession* session() override { return session_.get(); }

    std::unique_ptr<net::TlsSession> session_;  // nullptr = closed
    bool is_finished_ = false;                  // our end was sent; further input is dropped without decryption
};

}  // namespace ledge::transport
