// How the broker reads a file that its configuration names: nothing but a regular file, so that a pipe or a device in
// its place makes nobody wait. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ledge/base/result.hpp"

namespace ledge {

struct FileText {
    std::string text;
    std::uint32_t mode = 0;  // as stat(2) tells it
};

/// At most `bytes_max` + 1 bytes: whoever reads the text sees that there were more. A byte order mark at the beginning
/// is left out. The error is the end of a sentence that begins with the path: "cannot be opened: No such file ...".
Result<FileText, std::string> read_regular_file(const std::string& path, std::size_t bytes_max);

}  // namespace ledge
