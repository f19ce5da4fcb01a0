// Certificates and keys made for one run of the tests, and options that use them.
#pragma once

#include <string>
#include <string_view>

#include "ledge/net/tls_client.hpp"
#include "ledge/net/tls_options.hpp"

namespace ledge::net {

/// A folder with NAME.pem and NAME.key of an authority "ca" and of those it has signed: "server" (localhost), "other"
/// (*.many.example) and "client" (common name meter-7, alternative name meter-7.example). Made once by openssl.
const std::string& pki_folder();
TlsCertificate pki_certificate(const std::string& name);
/// A file of its own with this content.
std::string write_file(const std::string& name, std::string_view content);

TlsOptions server_options();
TlsClientOptions client_options();

}  // namespace ledge::net
