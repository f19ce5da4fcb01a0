#include "ledge/cli/tls.hpp"

#include "ledge/net/tls_client.hpp"
#include "ledge/os/file.hpp"

namespace ledge::cli {
namespace {

/// Where Debian, Alpine and Yocto keep the authorities of the system (the package ca-certificates).
constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t secret_bytes_max = 64 * 1024;  // a password of MQTT has at most 65,535 bytes

}  // namespace

Result<std::shared_ptr<const net::TlsContext>, std::string> tls_context(const TlsFileOptions& options) {
    net::TlsClientOptions files;
    files.ca_file = options.ca_file.empty() ? system_authorities : options.ca_file;
    files.certificate = {options.certificate_file, options.key_file};
    files.verifies_server = !options.is_insecure;
    auto context = net::make_tls_client(files);
    if (context) return std::move(*context);
    std::string problem = text_of(context.error().reason);
    if (options.ca_file.empty() && !options.is_insecure)
        problem += "; name the authorities that sign the certificate of the broker with --ca FILE";
    return Failure{problem};
}

Result<std::string, std::string> read_secret_line(const std::string& path) {
    auto file = os::read_regular_file(path, secret_bytes_max);
    if (!file) return Failure{text_of(file.error())};
    std::string line = file->text.substr(0, file->text.find('\n'));
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) return Failure{"the file " + path + " has no text in its first line"};
    if (line.size() > secret_bytes_max) return Failure{"the first line of the file " + path + " is too long"};
    return line;
}

}  // namespace ledge::cli
