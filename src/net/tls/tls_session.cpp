// TlsSession: one TLS connection over a non-blocking socket. mbedTLS reads and writes through the callbacks send() and
// receive(). Each call of the owner makes as much progress as the socket allows, and says what to wait for.
#include "ledge/net/tls_session.hpp"

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/first_bytes.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/os/descriptor.hpp"
#include "mbedtls_version.hpp"
#include "record_buffers.hpp"
#include "tls_context_parts.hpp"

namespace ledge::net {

struct TlsSession::Parts : TlsPeerNotes {
    Parts(std::shared_ptr<const TlsContext> shared, os::Descriptor connected)
        : context(std::move(shared)), socket(std::move(connected)) {
        mbedtls_ssl_init(&ssl);
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    ~Parts() {
        buffers.release(ssl);
        mbedtls_ssl_free(&ssl);
    }

    /// mbedTLS passes a void pointer to the callbacks. The pointer points to the base TlsPeerNotes, because the
    /// callbacks of the context know only that base.
    TlsPeerNotes* self() { return this; }
    static Parts& of(void* user) { return static_cast<Parts&>(*static_cast<TlsPeerNotes*>(user)); }

    static int send(void* user, const unsigned char* bytes, std::size_t size);
    static int note_certificate(void* user, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);
    static int receive(void* user, unsigned char* into, std::size_t size);
    int receive_fed(unsigned char* into, std::size_t size);

    bool set_up(const std::string& server_name);
    bool is_next_step_expensive();
    Status accept_peer();
    Status status_of(int result);
    Status fail(int result);
    int send_unsent();
    std::optional<unsigned> unencrypted_alert() const;
    std::string peer_detail() const;

    std::shared_ptr<const TlsContext> context;
    os::Descriptor socket;
    mbedtls_ssl_context ssl;
    RecordBuffers buffers;
    Bytes fed;                       // input that the owner has read already
    bool is_fed = false;             // input comes from `fed` and not from the socket
    bool is_full_handshake = false;  // the handshake computes with public keys
    bool is_secured = false;
    bool is_broken = false;
    std::size_t unsent = 0;  // the plain bytes of a record that is encrypted and only partly sent; 0 = no such record
    int failure = 0;
    bool has_peer_certificate = false;
    std::string user_name;
    std::optional<IpAddress> server_address;  // in the client's role, if the server is named by an address
    bool is_wrong_address = false;            // the server's certificate is not valid for server_address
};

// ---------------------------------------------------------------------------------------------------------------------
// The socket

int TlsSession::Parts::send(void* user, const unsigned char* bytes, std::size_t size) {
    // MSG_NOSIGNAL: without it, writing to a closed connection would end the process with SIGPIPE.
    const ssize_t sent = ::send(of(user).socket.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<int>(sent);
    const bool is_full_socket = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS;
    return is_full_socket ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

int TlsSession::Parts::receive(void* user, unsigned char* into, std::size_t size) {
    Parts& parts = of(user);
    if (parts.is_fed) return parts.receive_fed(into, size);
    const ssize_t count = ::recv(parts.socket.get(), into, size, MSG_DONTWAIT);
    if (count > 0) return static_cast<int>(count);
    const bool is_empty = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return is_empty ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

int TlsSession::Parts::receive_fed(unsigned char* into, std::size_t size) {
    // All bytes that the owner has read are used. The owner, who reads the socket, also notices the peer's end.
    if (fed.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    const std::size_t count = std::min(size, fed.size());
    std::memcpy(into, fed.data(), count);
    fed = fed.subspan(count);
    return static_cast<int>(count);
}

// ---------------------------------------------------------------------------------------------------------------------
// Creation

bool TlsSession::Parts::set_up(const std::string& server_name) {
    if (mbedtls_ssl_setup(&ssl, &context->parts().config) != 0) return false;
    buffers.adopt(ssl);
    mbedtls_ssl_set_bio(&ssl, self(), send, receive, nullptr);
    mbed::set_user(&ssl, self());
    mbedtls_ssl_set_verify(&ssl, note_certificate, self());
    if (server_name.empty()) return true;
    server_address = parse_ip(server_name);
    // SNI must not contain an address (RFC 6066, section 3). mbedTLS 2.28 cannot check a certificate against an
    // address, so accept_peer() makes this check.
    return mbedtls_ssl_set_hostname(&ssl, server_address ? nullptr : server_name.c_str()) == 0;
}

/// mbedTLS calls this for each certificate of the peer's chain, the peer's own certificate (depth 0) last. The function
/// notes the subject for logs and does not change the verdict.
int TlsSession::Parts::note_certificate(void* user, mbedtls_x509_crt* certificate, int depth, std::uint32_t*) {
    std::array<char, 256> name{};
    if (depth == 0 && mbedtls_x509_dn_gets(name.data(), name.size(), &certificate->subject) > 0)
        of(user).subject = name.data();
    return 0;
}

std::unique_ptr<TlsSession> TlsSession::create(std::shared_ptr<const TlsContext> context, os::Descriptor socket,
                                               const std::string& server_name) {
    LEDGE_ASSERT(context != nullptr && socket.is_open());
    auto parts = std::make_unique<Parts>(std::move(context), std::move(socket));
    if (!parts->set_up(server_name)) return nullptr;
    return std::unique_ptr<TlsSession>(new TlsSession(std::move(parts)));
}

TlsSession::TlsSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsSession::~TlsSession() = default;

int TlsSession::descriptor() const { return parts_->socket.get(); }

/// The status for a result of mbedTLS. A result of 0 or more means success.
TlsSession::Status TlsSession::Parts::status_of(int result) {
    if (result >= 0) return Status::done;
    switch (result) {
        case MBEDTLS_ERR_SSL_WANT_READ: return Status::want_read;
        case MBEDTLS_ERR_SSL_WANT_WRITE: return Status::want_write;
        case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: return Status::ended;
        case MBEDTLS_ERR_SSL_CONN_EOF: break;
        default: return fail(result);
    }
    // A FIN without close_notify counts as a usual end. MQTT and WebSocket mark their own ends, so a forged FIN cannot
    // cut off a message unnoticed.
    if (is_secured) return Status::ended;
    return fail(result);
}

TlsSession::Status TlsSession::Parts::fail(int result) {
    failure = result;
    is_broken = true;
    return Status::failed;
}

// ---------------------------------------------------------------------------------------------------------------------
// The handshake

/// True when the next step of the handshake may compute with public keys. A server sends its certificate only when it
/// does not resume an earlier session. From this step on it signs, derives keys and verifies. In TLS 1.3, and in a
/// client, the expensive steps begin at once.
bool TlsSession::Parts::is_next_step_expensive() {
    const int state = mbed::state_of(ssl);
    const bool is_late = state >= MBEDTLS_SSL_SERVER_HELLO && mbed::is_tls1_3(ssl);
    if (!context->parts().is_server || state == MBEDTLS_SSL_SERVER_CERTIFICATE || is_late) is_full_handshake = true;
    return is_full_handshake;
}

TlsSession::Status TlsSession::handshake(Extent extent) {
    Parts& parts = *parts_;
    if (parts.is_broken) return Status::failed;
    // Step by step and not in one call, so that the loop's thread can stop before a step that takes milliseconds.
    while (mbed::state_of(parts.ssl) != MBEDTLS_SSL_HANDSHAKE_OVER) {
        if (parts.is_next_step_expensive() && extent == Extent::cheap) return Status::done;
        const int result = mbedtls_ssl_handshake_step(&parts.ssl);
        if (result < 0 && !mbed::is_no_failure(result)) return parts.status_of(result);
    }
    return parts.is_secured ? Status::done : parts.accept_peer();
}

/// Decides about the peer after the handshake. mbedTLS accepts an invalid certificate where the certificate is
/// optional, and does not check the dates of a certificate that was shown in a resumed session. This function refuses
/// both.
TlsSession::Status TlsSession::Parts::accept_peer() {
    const TlsContext::Parts& rules = context->parts();
    const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(&ssl);
    is_wrong_address = server_address && rules.authorities.raw.p != nullptr &&
                       (certificate == nullptr || !is_for_address(*certificate, *server_address));
    if (is_wrong_address) return fail(MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    if (certificate != nullptr) {
        const bool is_bad = mbedtls_ssl_get_verify_result(&ssl) != 0;
        if (rules.verifies_peer && (is_bad || mbedtls_x509_time_is_past(&certificate->valid_to) != 0)) {
            mbedtls_ssl_send_alert_message(&ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
            return fail(MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
        }
        has_peer_certificate = true;
        user_name = name_in(*certificate, rules.user_name_from);
    }
    // The handshake has succeeded, so the client has the key of this identity.
    if (!psk_identity.empty()) user_name = psk_identity;
    subject = {};  // only the log line of a refusal needs the subject
    is_secured = true;
    return Status::done;
}

bool TlsSession::is_secured() const { return parts_->is_secured; }
bool TlsSession::is_resumed() const { return !parts_->is_full_handshake; }

// ---------------------------------------------------------------------------------------------------------------------
// Data

void TlsSession::feed(Bytes encrypted) {
    parts_->fed = encrypted;
    parts_->is_fed = true;
}

TlsSession::Transfer TlsSession::read(std::span<Byte> into) {
    Parts& parts = *parts_;
    if (parts.is_broken) return {Status::failed, 0};
    if (into.empty()) return {};
    parts.buffers.wake(parts.ssl);
    int result = 0;
    // A ticket of TLS 1.3 is reported to a client like an error; the next call reads on.
    do {
        result = mbedtls_ssl_read(&parts.ssl, into.data(), into.size());
    } while (mbed::is_no_failure(result));
    // mbedTLS returns 0 when the peer has closed the connection without close_notify.
    if (result == 0) return {Status::ended, 0};
    const Status status = parts.status_of(result);
    return {status, status == Status::done ? static_cast<std::size_t>(result) : 0};
}

bool TlsSession::has_unread() const { return mbedtls_ssl_get_bytes_avail(&parts_->ssl) > 0; }

namespace {

/// The front of `parts` as one piece of at most one record. Several small parts are joined in `copy`.
Bytes front_of(std::span<const Bytes> parts, std::array<Byte, TlsSession::record_bytes_max>& copy) {
    if (parts.empty()) return {};
    // A copy is needed only for several small parts: each call of mbedtls_ssl_write() makes a record with its own
    // header and MAC.
    const bool is_one = parts.size() == 1 || parts.front().size() >= copy.size();
    if (is_one) return parts.front().first(std::min(parts.front().size(), copy.size()));
    std::size_t size = 0;
    for (const Bytes part : parts) {
        const std::size_t count = std::min(part.size(), copy.size() - size);
        std::memcpy(copy.data() + size, part.data(), count);
        size += count;
    }
    LEDGE_ASSERT(size <= copy.size());
    return Bytes(copy).first(size);
}

}  // namespace

/// Sends the rest of a partly sent record. mbedTLS holds the encrypted bytes and uses only the length of the call.
int TlsSession::Parts::send_unsent() {
    LEDGE_ASSERT(unsent > 0 && unsent <= record_bytes_max);
    static constexpr Byte nothing = 0;
    return mbedtls_ssl_write(&ssl, &nothing, unsent);
}

TlsSession::Transfer TlsSession::write(std::span<const Bytes> pieces) {
    Parts& parts = *parts_;
    if (parts.is_broken) return {Status::failed, 0};
    parts.buffers.wake(parts.ssl);
    int result = 0;
    if (parts.unsent > 0) {
        result = parts.send_unsent();
    } else {
        std::array<Byte, record_bytes_max> copy;
        const Bytes record = front_of(pieces, copy);
        if (record.empty()) return {};
        result = mbedtls_ssl_write(&parts.ssl, record.data(), record.size());
        // The record is encrypted already and must be sent as it is. Its length decides what the next call reports.
        if (result == MBEDTLS_ERR_SSL_WANT_WRITE) parts.unsent = record.size();
    }
    Status status = parts.status_of(result);
    if (status == Status::ended) status = parts.fail(result);  // the peer reads no more, so a write cannot succeed
    if (status != Status::done) return {status, 0};
    parts.unsent = 0;
    return {Status::done, static_cast<std::size_t>(result)};
}

bool TlsSession::rest() {
    Parts& parts = *parts_;
    return !parts.is_secured || parts.is_broken || parts.buffers.rest(parts.ssl);
}

void TlsSession::finish() noexcept {
    Parts& parts = *parts_;
    parts.buffers.wake(parts.ssl);  // close_notify is a record, too
    if (parts.is_secured && !parts.is_broken) mbedtls_ssl_close_notify(&parts.ssl);
    // A FIN, so that the peer sees the end even if close_notify did not fit into the socket.
    ::shutdown(parts.socket.get(), SHUT_WR);
}

// ---------------------------------------------------------------------------------------------------------------------
// Facts for logs

bool TlsSession::is_revoked_by(const TlsContext& context) const {
    const auto is_same = [](const mbedtls_x509_buf& one, const mbedtls_x509_buf& other) {
        return one.len == other.len && std::memcmp(one.p, other.p, one.len) == 0;
    };
    // An intermediate certificate of the peer's chain may be revoked as well.
    for (const mbedtls_x509_crt* one = mbedtls_ssl_get_peer_cert(&parts_->ssl); one != nullptr; one = one->next) {
        for (const mbedtls_x509_crl* list = &context.parts().revoked; list != nullptr; list = list->next) {
            if (list->raw.p != nullptr && is_same(list->issuer_raw, one->issuer_raw) &&
                mbedtls_x509_crt_is_revoked(one, list) != 0)
                return true;
        }
    }
    return false;
}

void TlsSession::shut_down_socket() { ::shutdown(parts_->socket.get(), SHUT_RDWR); }

namespace {

/// The alerts of RFC 8446 section 6.2, with their usual causes for the operator who manages the certificates.
std::string text_of_alert(unsigned alert) {
    struct Row {
        unsigned alert;
        std::string_view text;
    };
    constexpr Row rows[] = {
        {40, "handshake_failure: the peer and we have no cipher suite or key exchange in common"},
        {42, "bad_certificate: the peer does not accept our certificate"},
        {43, "unsupported_certificate: the peer cannot use our certificate"},
        {44, "certificate_revoked: our certificate is revoked"},
        {45, "certificate_expired: our certificate has expired, or the clock of the peer is wrong"},
        {46,
         "certificate_unknown: the peer does not accept our certificate; often the certificate does not contain the "
         "host name to which the peer connects"},
        {47, "illegal_parameter"},
        {48,
         "unknown_ca: the peer does not know the authority that has signed our certificate; give the peer the file of "
         "that authority, or append the intermediate certificates to our certificate file"},
        {49, "access_denied"},
        {51, "decrypt_error: keys or signatures do not match"},
        {70, "protocol_version: the peer supports no version of TLS that we accept"},
        {71, "insufficient_security: the peer requires stronger ciphers"},
        {80, "internal_error"},
        {90, "user_canceled"},
        {112, "unrecognized_name: the peer does not accept the host name"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required: the peer requires a certificate from us"},
        {120, "no_application_protocol: the peer and we have no ALPN protocol in common"},
    };
    const auto* const row = std::ranges::find(rows, alert, &Row::alert);
    return "the peer refused with the TLS alert " + std::to_string(alert) +
           (row == std::end(rows) ? std::string() : " " + std::string(row->text));
}

}  // namespace

/// The number of a fatal alert that came unencrypted at a time when records must be encrypted. mbedTLS reports only
/// that the MAC is wrong. OpenSSL's clients (3.0.22, 4.0.1) refuse a certificate of TLS 1.3 in this way, because they
/// use their keys only from their Finished message on.
std::optional<unsigned> TlsSession::Parts::unencrypted_alert() const {
    if (failure != MBEDTLS_ERR_SSL_INVALID_MAC || is_secured) return std::nullopt;
    const auto record = mbed::record_front(ssl);
    constexpr unsigned char fatal_alert[] = {MBEDTLS_SSL_MSG_ALERT, 3, 3, 0, 2, MBEDTLS_SSL_ALERT_LEVEL_FATAL};
    if (!std::ranges::equal(record.first<6>(), fatal_alert)) return std::nullopt;
    return record[6];
}

/// The part of a failure text that describes the peer: "; …", or "".
std::string TlsSession::Parts::peer_detail() const {
    if (!unknown_identity.empty()) return "; the psk_file has no identity '" + unknown_identity + "'";
    if (!psk_identity.empty()) return "; the peer has another key for the identity '" + psk_identity + "'";
    if (!subject.empty()) return "; the peer's certificate is that of " + subject;
    // The highest version that an old client offers is in bytes 9 and 10 of its ClientHello record (RFC 5246 section
    // 7.4.1.2).
    const auto hello = mbed::record_front(ssl);
    const bool is_old = hello[0] == MBEDTLS_SSL_MSG_HANDSHAKE && hello[9] == 3 && hello[10] < 3;
    if (failure != mbed::wrong_version || !is_old) return {};
    const std::string offered = hello[10] == 0 ? "SSL 3.0" : "TLS 1." + std::to_string(hello[10] - 1);
    return "; the peer speaks " + offered + " at most, but tls.minimum_version requires a newer version";
}

std::string TlsSession::failure_reason() const {
    if (parts_->failure == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) return text_of_alert(mbed::alert_of(parts_->ssl));
    if (const auto alert = parts_->unencrypted_alert()) return text_of_alert(*alert);
    std::string reason = tls_error_text(parts_->failure);
    if (mbed::state_of(parts_->ssl) <= MBEDTLS_SSL_CLIENT_HELLO) {
        const auto front = mbed::record_front(parts_->ssl).first<5>();
        const bool is_tls = front[0] == MBEDTLS_SSL_MSG_HANDSHAKE && front[1] == 3;
        const std::string_view spoken = protocol_of(front);
        if (!is_tls && !spoken.empty())
            return "the first bytes are " + std::string(spoken) + ", but this listener speaks TLS";
    }
    if (parts_->failure != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) return reason + parts_->peer_detail();
    std::array<char, 512> text{};
    mbedtls_x509_crt_verify_info(text.data(), text.size(), "; ", mbedtls_ssl_get_verify_result(&parts_->ssl));
    reason += parts_->is_wrong_address ? "the certificate is for another address" : text.data();
    while (reason.ends_with('\n')) reason.pop_back();
    return reason + parts_->peer_detail();
}

const char* TlsSession::version() const { return mbedtls_ssl_get_version(&parts_->ssl); }
const char* TlsSession::cipher() const { return mbedtls_ssl_get_ciphersuite(&parts_->ssl); }

std::string TlsSession::alpn() const {
    const char* name = mbedtls_ssl_get_alpn_protocol(&parts_->ssl);
    return name != nullptr ? name : "";
}

std::string TlsSession::user_name() const { return parts_->user_name; }
bool TlsSession::has_peer_certificate() const { return parts_->has_peer_certificate; }

std::string TlsSession::peer_certificate() const {
    const mbedtls_x509_crt* const certificate = mbedtls_ssl_get_peer_cert(&parts_->ssl);
    if (!has_peer_certificate() || certificate == nullptr) return {};
    std::array<char, 256> name{};
    // A longer subject has a negative result and may leave a part of itself in the buffer.
    const bool is_named = mbedtls_x509_dn_gets(name.data(), name.size(), &certificate->subject) > 0;
    const mbedtls_x509_time& end = certificate->valid_to;
    std::array<char, 48> date{};
    std::snprintf(date.data(), date.size(), ", valid until %04d-%02d-%02d", end.year, end.mon, end.day);
    return (is_named ? name.data() : "a certificate with a long subject") + std::string(date.data());
}

}  // namespace ledge::net
