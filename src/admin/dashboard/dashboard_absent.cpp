// The bundle of a build without the dashboard: LEDGE_DASHBOARD=OFF.
#include "dashboard_bundle.hpp"

namespace ledge::admin {

std::span<const BundleFile> bundle_files() { return {}; }

}  // namespace ledge::admin
