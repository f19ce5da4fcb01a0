// Tells whether AES is fast on this processor. The order of the cipher suites depends on it.
#pragma once

namespace ledge::net {

/// True when the processor has instructions for AES and GCM, and mbedTLS uses them.
bool has_aes_instructions();

}  // namespace ledge::net
