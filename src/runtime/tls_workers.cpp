#include "tls_workers.hpp"

#include <utility>

#include "ledge/net/post.hpp"

namespace ledge::runtime {
namespace {

constexpr int tls_worker_niceness = 5;  // on a machine with few processors, messages go before handshakes

}  // namespace

std::optional<Error> TlsWorkers::start() {
    if (is_started()) return {};
    auto made = os::WorkerPool::create(
        net::post_to(io_),
        {.name = "tls", .threads = os::worker_threads_for_this_machine(), .niceness = tls_worker_niceness});
    if (!made) return Error{made.error(), "cannot start the threads for TLS handshakes"};
    pool_ = std::move(*made);
    return {};
}

}  // namespace ledge::runtime
