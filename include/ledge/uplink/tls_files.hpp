// TlsFiles: the TLS files of a bridge, read when a connection needs them and again when they have changed, so that a
// renewed certificate needs no restart. Owned by Uplink; on the loop's thread (a few small files, once a connection).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ledge/net/tls_client.hpp"
#include "ledge/os/file_watch.hpp"

namespace ledge::uplink {

class TlsFiles {
public:
    /// nullopt = no server uses TLS; context() must not be called then. No file is read here.
    explicit TlsFiles(std::optional<net::TlsClientOptions> options);

    /// The context of the next connection. Files that have changed are read first. While they have a mistake, the
    /// former context stays in use; nullptr = there was never a context without a mistake.
    std::shared_ptr<const net::TlsContext> context();
    /// The mistake in the files, as a sentence; "" = there is none. Valid after context().
    const std::string& problem() const { return problem_; }

private:
    std::optional<net::TlsClientOptions> options_;
    os::FileWatch watch_;
    std::shared_ptr<const net::TlsContext> context_;
    std::string problem_;
    bool is_read_ = false;
};

}  // namespace ledge::uplink
