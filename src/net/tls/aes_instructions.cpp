// Detects the AES instructions of the processor. All code that depends on the processor is in this file; it also
// depends on the version of mbedTLS. Any thread may call it.
#include "aes_instructions.hpp"

#include <mbedtls/version.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace ledge::net {

bool has_aes_instructions() {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__) && MBEDTLS_VERSION_NUMBER >= 0x03000000
    return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;  // mbedTLS 2.28 has no code for these instructions
#else
    return false;
#endif
}

}  // namespace ledge::net
