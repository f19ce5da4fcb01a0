// TlsContext: certificates, keys and rules, which are read and checked once and never change. A listener uses one
// context and replaces it by another when its files change. Each session shares ownership of the context with which it
// began. Any thread may make a context; sessions on several threads may use one context.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/net/tls_options.hpp"

namespace ledge::net {

class TlsSecrets;

class TlsContext {
public:
    /// The context of a listener.
    static Result<std::shared_ptr<const TlsContext>, TlsProblem> create(const TlsOptions& options,
                                                                        std::shared_ptr<TlsSecrets> secrets);
    /// The context of connections that this program opens.
    static Result<std::shared_ptr<const TlsContext>, TlsProblem> create(const TlsClientOptions& options,
                                                                        std::shared_ptr<TlsSecrets> secrets);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// Notes about allowed but doubtful facts, such as a certificate that has expired.
    const std::vector<std::string>& notes() const;

    struct Parts;
    const Parts& parts() const { return *parts_; }

private:
    explicit TlsContext(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// The files that the options name. When one of them changes, a new context must be made.
std::vector<std::string> files_of(const TlsOptions& options);

}  // namespace ledge::net
