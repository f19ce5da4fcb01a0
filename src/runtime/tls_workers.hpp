// TlsWorkers: the threads that compute TLS handshakes, for all listeners and for the hook together. They start with the
// first user of TLS: a broker without TLS has no such thread. A BrokerLoop owns the object; on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "ledge/base/assert.hpp"
#include "ledge/base/error.hpp"
#include "ledge/os/worker_pool.hpp"

namespace ledge::runtime {

class TlsWorkers {
public:
    /// The threads wake `io` when a step of a handshake is computed.
    explicit TlsWorkers(boost::asio::io_context& io) : io_(io) {}
    TlsWorkers(const TlsWorkers&) = delete;
    TlsWorkers& operator=(const TlsWorkers&) = delete;

    /// Starts the threads, once. Returns the reason of a failure, or nullopt.
    std::optional<Error> start();
    bool is_started() const { return pool_ != nullptr; }
    /// Requires is_started(). The pool must outlive its users.
    os::WorkerPool& pool() {
        LEDGE_ASSERT(is_started());
        return *pool_;
    }

private:
    boost::asio::io_context& io_;
    std::unique_ptr<os::WorkerPool> pool_;
};

}  // namespace ledge::runtime
