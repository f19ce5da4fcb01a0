// The cipher suites that are offered, and their names.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"

namespace ledge::net {

/// The numbers of the safe suites: all have authenticated encryption and forward secrecy. With pre-shared keys, suites
/// without forward secrecy follow, for devices that support nothing else. ChaCha20 comes first, unless this processor
/// has AES instructions that the library uses. The list ends with 0.
std::vector<int> safe_ciphers(bool is_psk);

/// The numbers of the suites with these names, in the same order, followed by 0. A name is written as in the standard
/// or as in mbedTLS: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256. The error
/// continues the sentence "key 'ciphers' ...".
Result<std::vector<int>, Error> ciphers_by_name(std::span<const std::string> names, bool is_psk);

}  // namespace ledge::net
