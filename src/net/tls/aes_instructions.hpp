// Whether AES is cheap on this processor.
#pragma once

namespace ledge::net {

/// The processor has instructions for AES and GCM, and mbedTLS uses them.
bool has_aes_instructions();

}  // namespace ledge::net
