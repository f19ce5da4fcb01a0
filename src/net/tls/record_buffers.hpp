// RecordBuffers: the two buffers of a TLS connection, for one record each, in memory pages of their own. mbedTLS by
// itself allocates 2 x 16 KiB from the heap and touches all of this memory sooner or later. The messages of a sensor
// need only the first page of each buffer, and an idle connection needs no page. A page that was never touched uses no
// memory. A TlsSession owns the object.
#pragma once

#include <mbedtls/ssl.h>

#include <array>
#include <cstddef>

namespace ledge::net {

class RecordBuffers {
public:
    static constexpr std::size_t bytes_each = 20 * 1024;  // a record with header, MAC and padding, in whole pages

    RecordBuffers() = default;
    RecordBuffers(const RecordBuffers&) = delete;
    RecordBuffers& operator=(const RecordBuffers&) = delete;
    ~RecordBuffers();

    /// Replaces the buffers that mbedtls_ssl_setup() has just made. If memory is short, mbedTLS keeps its own buffers.
    /// Call this once.
    void adopt(mbedtls_ssl_context& ssl);
    /// Removes the buffers from the context again. Call this before mbedtls_ssl_free().
    void release(mbedtls_ssl_context& ssl);

    /// Gives the pages back to the system. The buffers lose their content, except the record counter, which is saved.
    /// Returns false, and does nothing, when a record is partly read or waits to be sent.
    bool rest(mbedtls_ssl_context& ssl);
    /// Restores the record counter. Call this before the next use of the connection.
    void wake(mbedtls_ssl_context& ssl);
    bool is_resting() const { return is_resting_; }

private:
    unsigned char* memory_ = nullptr;
    bool is_resting_ = false;
    std::array<unsigned char, 8> records_read_{};  // the saved counter, which mbedTLS keeps inside the input buffer
};

}  // namespace ledge::net
