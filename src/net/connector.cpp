// Connector: opens TCP and TLS connections for clients of this program. Each connection is an Attempt, which runs on
// the loop's thread; only the handshake's computing runs on a worker.
#include "ledge/net/connector.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/net/resolver.hpp"
#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/os/address.hpp"

namespace ledge::net {

namespace asio = boost::asio;
using AsioError = boost::system::error_code;

namespace {

/// The addresses that need no thread of the resolver: of a Unix socket, of a host that is an address, and of
/// "localhost".
std::vector<os::SocketAddress> known_addresses(const Destination& to) {
    if (to.unix_path.empty()) return Resolver::known(to.host);
    const auto address = os::SocketAddress::of_path(to.unix_path);
    LEDGE_ASSERT(address.has_value());
    return {*address};
}

}  // namespace

/// One connection that is being opened:
///
///     resolving ──addresses──► connecting ──connected──► handshake ⇄ a worker computes
///                                 ▲  └─refused, timeout─┐   └──────► complete: the caller gets the stream
///                                 └─────next address────┘
/// Each state may also end in a failure. The attempt's handlers and jobs share its ownership; they do nothing once the
/// attempt is over.
class Connector::Attempt : public std::enable_shared_from_this<Attempt> {
public:
    Attempt(Connector& of, Ticket ticket, Destination to, Duration timeout, Done done)
        : of_(of), ticket_(ticket), to_(std::move(to)), timeout_(timeout), done_(std::move(done)) {}
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    ~Attempt() { end(); }

    void start();
    void end();
    void on_computed(std::unique_ptr<TlsSession> session, TlsSession::Status status);

private:
    void on_resolved(const Resolver::Answer& answer);
    void try_next();
    void try_address(const os::SocketAddress& address);
    void on_connected();
    void begin_tls();
    void compute();
    void await(asio::posix::stream_descriptor::wait_type what, void (Attempt::*next)());
    void close();
    void fail_here(const std::string& reason);
    void finish(Outcome outcome);

    Connector& of_;
    Ticket ticket_;
    Destination to_;
    Duration timeout_;
    Done done_;
    asio::steady_timer deadline_{of_.io_};
    asio::steady_timer share_{of_.io_};              // limits the time of the address that is being tried
    asio::posix::stream_descriptor ready_{of_.io_};  // only waits for events; the socket has another owner
    os::Descriptor socket_;                          // the owner of the socket while connecting
    std::unique_ptr<TlsSession> session_;            // the owner afterwards; nullptr while a worker has the session
    std::vector<os::SocketAddress> addresses_;
    std::size_t next_ = 0;  // the index of the address to try next
    std::string error_;     // why the last address has failed
    std::string address_;   // the last address that was tried
    Step step_ = Step::name;
    const char* stage_ = "";  // the error text if the deadline passes in the present state
    bool is_over_ = false;
};

/// A step of the handshake on a worker. The job owns the session meanwhile. A cancelled attempt therefore cannot close
/// the descriptor while the worker reads from it.
class Connector::Handshake final : public os::WorkerPool::Job {
public:
    Handshake(std::unique_ptr<TlsSession> session, std::shared_ptr<Attempt> attempt)
        : session_(std::move(session)), attempt_(std::move(attempt)) {}
    void run() override { status_ = session_->handshake(TlsSession::Extent::all); }
    void done() override { attempt_->on_computed(std::move(session_), status_); }

private:
    std::unique_ptr<TlsSession> session_;
    std::shared_ptr<Attempt> attempt_;
    TlsSession::Status status_ = TlsSession::Status::failed;
};

void Connector::Attempt::start() {
    stage_ = "the name was not resolved in time";
    // One deadline for name, connection and handshake together. stage_ says which of the three took too long.
    deadline_.expires_after(timeout_);
    deadline_.async_wait([self = shared_from_this()](const AsioError& error) {
        if (!error && !self->is_over_) self->finish({nullptr, self->stage_});
    });
    auto known = known_addresses(to_);
    if (known.empty())
        // A weak pointer, because the system's resolver may answer long after the attempt has ended.
        return of_.resolver_->resolve(to_.host, [weak = weak_from_this()](const Resolver::Answer& answer) {
            if (const auto self = weak.lock()) self->on_resolved(answer);
        });
    // Posted, because connect() must have returned its ticket before `done` can be called.
    asio::post(of_.io_,
               [self = shared_from_this(), answer = Resolver::Answer(std::move(known))] { self->on_resolved(answer); });
}

void Connector::Attempt::on_resolved(const Resolver::Answer& answer) {
    if (is_over_) return;
    if (!answer) return finish({nullptr, text_of(answer.error())});
    addresses_ = answer.value();
    if (to_.unix_path.empty())
        for (os::SocketAddress& address : addresses_) address.set_port(to_.port);
    step_ = Step::connection;
    stage_ = "the connection was not opened in time";
    try_next();
}

// ---------------------------------------------------------------------------------------------------------------------
// The addresses, one after the other

void Connector::Attempt::try_next() {
    LEDGE_ASSERT(next_ <= addresses_.size());
    // The error of the last address represents all of them.
    if (next_ == addresses_.size()) return finish({nullptr, error_});
    try_address(addresses_[next_++]);
}

void Connector::Attempt::try_address(const os::SocketAddress& address) {
    address_ = to_.unix_path.empty() ? to_text(address) : to_.unix_path;
    error_ = address_ + ": ";
    socket_.reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_.is_open()) return fail_here(std::strerror(errno));
    const int yes = 1;
    // Requests are small and written as a whole; without this option the kernel may delay their last part.
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    // Finds a dead peer behind an idle connection.
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    // The socket is non-blocking: connect(2) begins the connection, and the socket becomes writable when it is
    // complete.
    const int result = ::connect(socket_.get(), address.get(), address.size());
    if (result < 0 && errno != EINPROGRESS) return fail_here(std::strerror(errno));
    AsioError error;
    ready_.assign(socket_.get(), error);
    if (error) return fail_here(error.message());
    if (addresses_.size() > 1) {  // an address that does not answer must leave time for the others
        share_.expires_after(timeout_ / static_cast<int>(addresses_.size()));
        share_.async_wait([self = shared_from_this(), number = next_](const AsioError& stopped) {
            const bool is_meant = !stopped && !self->is_over_ && self->next_ == number && self->socket_.is_open();
            if (is_meant) self->fail_here(self->stage_);
        });
    }
    await(asio::posix::stream_descriptor::wait_write, &Attempt::on_connected);
}

void Connector::Attempt::fail_here(const std::string& reason) {
    close();
    error_ += reason;
    // The next attempt is posted and not called here: many addresses must not make a deep recursion, and connect() must
    // have returned before `done` is called.
    asio::post(of_.io_, [self = shared_from_this()] {
        if (!self->is_over_) self->try_next();
    });
}

void Connector::Attempt::on_connected() {
    int error = 0;
    socklen_t size = sizeof error;
    // The socket also becomes writable when the connection has failed; SO_ERROR tells the two apart.
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return fail_here(std::strerror(error));
    share_.cancel();
    if (to_.tls != nullptr) return begin_tls();
    // The descriptor object must not close the socket, whose owner is the stream from here on.
    ready_.release();
    finish({std::make_unique<ClientStream>(std::move(socket_)), {}});
}

/// Calls `next` when the event `what` has come, unless the attempt is over or tries another address by then. There is
/// one wait at a time.
void Connector::Attempt::await(asio::posix::stream_descriptor::wait_type what, void (Attempt::*next)()) {
    ready_.async_wait(what, [self = shared_from_this(), number = next_, next](const AsioError& error) {
        const bool is_meant = !error && !self->is_over_ && self->next_ == number && self->ready_.is_open();
        if (is_meant) ((*self).*next)();
    });
}

void Connector::Attempt::close() {
    if (ready_.is_open()) ready_.release();
    session_.reset();
    socket_.reset();
}

// ---------------------------------------------------------------------------------------------------------------------
// TLS

void Connector::Attempt::begin_tls() {
    step_ = Step::tls;
    stage_ = "the TLS handshake was not complete in time";
    session_ = TlsSession::create(to_.tls, std::move(socket_), to_.server_name.empty() ? to_.host : to_.server_name);
    if (session_ == nullptr) return finish({nullptr, "there is no memory for TLS"});
    compute();
}

/// A worker computes every step. Nearly all steps of a client's handshake compute with public keys, all but the first.
void Connector::Attempt::compute() {
    LEDGE_ASSERT(of_.workers_ != nullptr);
    of_.workers_->submit(std::make_unique<Handshake>(std::move(session_), shared_from_this()));
}

void Connector::Attempt::on_computed(std::unique_ptr<TlsSession> session, TlsSession::Status status) {
    // The attempt was given up while the worker computed. The session, and with it the socket, ends here.
    if (is_over_) return;
    session_ = std::move(session);
    using Wait = asio::posix::stream_descriptor;
    switch (status) {
        case TlsSession::Status::want_read: return await(Wait::wait_read, &Attempt::compute);
        case TlsSession::Status::want_write: return await(Wait::wait_write, &Attempt::compute);
        case TlsSession::Status::done:
            ready_.release();
            return finish({std::make_unique<ClientStream>(std::move(session_)), {}});
        case TlsSession::Status::ended:
        case TlsSession::Status::failed: break;
    }
    // The other addresses are not tried. A server that cannot prove its name may be an attack, and trying further
    // addresses would hide it.
    finish({nullptr, "TLS: " + session_->failure_reason()});
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

void Connector::Attempt::end() {
    is_over_ = true;
    close();
    deadline_.cancel();
    share_.cancel();
}

void Connector::Attempt::finish(Outcome outcome) {
    // `done` is called exactly once.
    LEDGE_ASSERT(!is_over_);
    const auto self = shared_from_this();  // keeps the attempt alive during the call of `done`
    outcome.step = step_;
    outcome.address = address_;
    for (const os::SocketAddress& address : addresses_)
        outcome.addresses += (outcome.addresses.empty() ? "" : ", ") + to_text(address);
    end();
    // Before the call of `done`, which may open the next connection or destroy the Connector.
    of_.attempts_.erase(ticket_);
    const Done done = std::move(done_);
    done(std::move(outcome));
}

Connector::Connector(asio::io_context& io) : io_(io), resolver_(std::make_unique<Resolver>(io)) {}

Connector::~Connector() {
    for (const auto& [ticket, attempt] : attempts_) attempt->end();
}

Connector::Ticket Connector::connect(const Destination& to, Duration timeout, Done done) {
    LEDGE_ASSERT(done);
    const Ticket ticket = ++last_ticket_;
    auto attempt = std::make_shared<Attempt>(*this, ticket, to, timeout, std::move(done));
    attempts_.emplace(ticket, attempt);
    attempt->start();
    return ticket;
}

void Connector::give_up(Ticket ticket) {
    // Unknown tickets are allowed: the attempt may have ended just before.
    const auto found = attempts_.find(ticket);
    if (found == attempts_.end()) return;
    found->second->end();
    attempts_.erase(found);
}

}  // namespace ledge::net
