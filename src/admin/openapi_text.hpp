// The description of the API for programs (OpenAPI 3.1), as src/admin/openapi.json has it.
#pragma once

#include <string_view>

namespace ledge::admin {

extern const std::string_view openapi_text;

}  // namespace ledge::admin
