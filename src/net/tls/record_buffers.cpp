// RecordBuffers: replaces mbedTLS's two record buffers with memory from mmap(2), whose pages can be given back to the
// system while the connection is idle. The buffers keep their addresses, so waking needs no new allocation afterwards.
#include "record_buffers.hpp"

#include <sys/mman.h>

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "mbedtls_version.hpp"

namespace ledge::net {

constexpr std::size_t bytes_both = 2 * RecordBuffers::bytes_each;
static_assert(mbed::record_bytes_max + 2048 <= RecordBuffers::bytes_each, "a record with header, MAC and padding");

RecordBuffers::~RecordBuffers() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_both);
}

void RecordBuffers::adopt(mbedtls_ssl_context& ssl) {
    LEDGE_ASSERT(memory_ == nullptr);
    if (!mbed::has_fixed_buffers) return;
    void* memory = ::mmap(nullptr, bytes_both, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // mbedTLS keeps its own buffers then. The connection works, and only costs more memory while it is idle.
    if (memory == MAP_FAILED) return;
    memory_ = static_cast<unsigned char*>(memory);
    mbed::exchange_buffers(ssl, memory_, memory_ + bytes_each);
}

void RecordBuffers::release(mbedtls_ssl_context& ssl) {
    // mbedTLS must not free memory that came from mmap(2).
    if (memory_ != nullptr) mbed::forget_buffers(ssl);
}

bool RecordBuffers::rest(mbedtls_ssl_context& ssl) {
    if (memory_ == nullptr || is_resting_) return true;
    if (!mbed::is_quiet(ssl)) return false;
    // The number of received records is in the input buffer. The decryption of the next record needs this number.
    const unsigned char* counter = mbed::input_counter(ssl);
    std::copy_n(counter, records_read_.size(), records_read_.begin());
    // From here on the pages read as zeros. If the kernel refuses, the buffers simply keep their memory.
    if (::madvise(memory_, bytes_both, MADV_DONTNEED) != 0) return true;
    is_resting_ = true;
    return true;
}

void RecordBuffers::wake(mbedtls_ssl_context& ssl) {
    if (!is_resting_) return;
    is_resting_ = false;
    std::copy(records_read_.begin(), records_read_.end(), mbed::input_counter(ssl));
}

}  // namespace ledge::net
