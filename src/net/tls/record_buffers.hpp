// RecordBuffers: the two buffers of a TLS connection, one record each, in pages of their own. mbedTLS takes 2 x 16 KiB
// from the heap and touches all of it sooner or later; messages of a sensor need the first page of each, and a
// connection that waits needs none. Pages that nobody has touched cost nothing.
#pragma once

#include <mbedtls/ssl.h>

#include <array>
#include <cstddef>

namespace ledge::net {

class RecordBuffers {
public:
    static constexpr std::size_t bytes_each = 20 * 1024;  // a record with all that may stand around it, whole pages

    RecordBuffers() = default;
    RecordBuffers(const RecordBuffers&) = delete;
    RecordBuffers& operator=(const RecordBuffers&) = delete;
    ~RecordBuffers();

    /// Puts them into the place of those that mbedtls_ssl_setup() has just made. Without memory for it those stay.
    void adopt(mbedtls_ssl_context& ssl);
    /// Takes them out again, before mbedtls_ssl_free().
    void release(mbedtls_ssl_context& ssl);

    /// Gives the pages back to the system while nothing is under way; the content of the buffers is lost, but for what
    /// mbedTLS needs again. false: something is under way.
    bool rest(mbedtls_ssl_context& ssl);
    /// Before the next use of the connection.
    void wake(mbedtls_ssl_context& ssl);
    bool is_resting() const { return is_resting_; }

private:
    unsigned char* memory_ = nullptr;
    bool is_resting_ = false;
    std::array<unsigned char, 8> records_read_{};  // which mbedTLS counts inside the buffer
};

}  // namespace ledge::net
