#include "tls_workers.hpp"

#include <cstring>
#include <utility>

#include "ledge/net/post.hpp"

namespace ledge::runtime {
namespace {

constexpr int tls_worker_niceness = 5;  // on a machine with few processors, messages go before handshakes

}  // namespace

std::string TlsWorkers::start() {
    if (is_started()) return {};
    auto made = os::WorkerPool::create(
        net::post_to(io_),
        {.name = "tls", .threads = os::worker_threads_for_this_machine(), .niceness = tls_worker_niceness});
    if (!made) return std::string("cannot start the threads for TLS handshakes: ") + std::strerror(made.error());
    pool_ = std::move(*made);
    return {};
}

}  // namespace ledge::runtime
