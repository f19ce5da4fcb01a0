// The files that [auth] names become a policy.
#pragma once

#include <sys/types.h>

#include <string>

#include "ledge/base/result.hpp"
#include "ledge/config/load.hpp"

namespace ledge::config {

struct FileText {
    std::string text;
    mode_t mode = 0;
};

/// At most `bytes_max` + 1 bytes: whoever reads the text sees that there were more. The error is a sentence without
/// the path.
Result<FileText, std::string> read_file(const std::string& path, std::size_t bytes_max);

/// Fills loaded.policy; adds complaints ("users:3") and notes.
void load_policy(Loaded& loaded);

}  // namespace ledge::config
