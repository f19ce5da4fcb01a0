#include "ledge/uplink/tls_files.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/error.hpp"

namespace ledge::uplink {

TlsFiles::TlsFiles(std::optional<net::TlsClientOptions> options) : options_(std::move(options)), watch_({}) {}

std::shared_ptr<const net::TlsContext> TlsFiles::context() {
    LEDGE_ASSERT(options_.has_value());
    if (is_read_ && !watch_.has_changed()) return context_;
    is_read_ = true;
    // The dates are noted before the files are read, so that a change during the reading is noticed later.
    watch_ = os::FileWatch(net::files_of(*options_));
    auto made = net::make_tls_client(*options_);
    problem_ = made ? std::string() : text_of(made.error().reason);
    // A program that renews a certificate writes two files. Between the two, the former certificate is the right one.
    if (made) context_ = std::move(*made);
    return context_;
}

}  // namespace ledge::uplink
