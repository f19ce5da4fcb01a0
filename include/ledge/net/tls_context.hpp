// TlsContext: certificates, keys and rules, read and checked once, then never changed. A listener has one in service
// and swaps it for another when its files change; each session keeps the one it began with.
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
    static Result<std::shared_ptr<const TlsContext>, TlsProblem> create(const TlsOptions& options,
                                                                        std::shared_ptr<TlsSecrets> secrets);
    static Result<std::shared_ptr<const TlsContext>, TlsProblem> create(const TlsClientOptions& options,
                                                                        std::shared_ptr<TlsSecrets> secrets);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// Notes about what is allowed and should be known, such as a certificate that has expired.
    const std::vector<std::string>& notes() const;

    struct Parts;
    const Parts& parts() const { return *parts_; }

private:
    explicit TlsContext(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// The files that the options name. Their change calls for a new context.
std::vector<std::string> files_of(const TlsOptions& options);

}  // namespace ledge::net
