// OtaOptions: the options of the server of firmware images. The configuration has the same keys in [ota].
#pragma once

#include <cstdint>
#include <string>

namespace ledge::ota {

struct OtaOptions {
    std::string directory;                                   // of the images
    std::string topic_prefix = "ota";                        // of all topics of the server
    std::uint64_t bytes_per_second_max = 1024 * 1024;        // of answers to all devices together; 0 = unlimited
    std::uint64_t device_bytes_per_second_max = 256 * 1024;  // of answers to one device; 0 = unlimited
    std::uint32_t block_bytes_max = 1024;                    // of the data in one answer
    std::uint32_t image_bytes_max = 16 * 1024 * 1024;        // a larger file is no image
    std::uint32_t images_max = 64;                           // further files are no images
    std::uint16_t inner_listener = 0;                        // index in ShardOptions::listeners
};

}  // namespace ledge::ota
