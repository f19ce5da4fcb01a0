// The TLS of the commands that are clients. Stateless; reads files.
#pragma once

#include <memory>
#include <string>

#include "ledge/base/result.hpp"
#include "ledge/cli/options.hpp"
#include "ledge/net/tls_context.hpp"

namespace ledge::cli {

/// The context of a client with these files. The error is a sentence.
Result<std::shared_ptr<const net::TlsContext>, std::string> tls_context(const TlsFileOptions& options);

/// The content of a file with one secret in one line. The error is a sentence.
Result<std::string, std::string> read_secret_line(const std::string& path);

}  // namespace ledge::cli
