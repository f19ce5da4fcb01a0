// Which cipher suites are offered, and what they are called.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"

namespace ledge::net {

/// Numbers of suites with forward secrecy (without it only with pre-shared keys, for devices that know nothing else)
/// and authenticated encryption, in an order that suits this machine: ChaCha20 first unless AES has instructions of its
/// own that the library uses. Ends with 0.
std::vector<int> safe_ciphers(bool is_psk);

/// The same for names as the standard or mbedTLS writes them: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
/// TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256. The error continues the sentence "key 'ciphers' ...".
Result<std::vector<int>, std::string> ciphers_by_name(std::span<const std::string> names, bool is_psk);

}  // namespace ledge::net
