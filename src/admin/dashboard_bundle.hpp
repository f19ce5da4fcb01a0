// The files of the dashboard as the build has made them. A generated source implements this, or in a build without the
// dashboard dashboard/dashboard_absent.cpp. Constants of the program.
#pragma once

#include <span>
#include <string_view>

namespace ledge::admin {

struct BundleFile {
    std::string_view path;  // "/" for the page itself, "/app.js"
    std::string_view content_type;
    std::string_view etag;  // with its quotes; changes with the content
    std::string_view gzip;  // the content, compressed
};

/// Empty = the broker was built without the dashboard.
std::span<const BundleFile> bundle_files();

}  // namespace ledge::admin
