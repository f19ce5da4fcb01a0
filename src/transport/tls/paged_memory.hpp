// Memory for blocks of which most is never touched.
#pragma once

namespace ledge::transport {

/// While one exists, blocks of a record's size come in pages of their own, which the system provides when they are first
/// touched and takes back when they are freed. mbedTLS has two buffers of 16 KiB for each connection, of which messages
/// of a sensor touch one page. Nothing is promised where the C library is not glibc.
class PagedMemory {
public:
    PagedMemory();
    ~PagedMemory();
    PagedMemory(const PagedMemory&) = delete;
    PagedMemory& operator=(const PagedMemory&) = delete;
};

}  // namespace ledge::transport
