// The table of all resources of the API. openapi.json describes the same resources for programs, and a test compares
// both with the answers of a running broker. Stateless.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "api_request.hpp"
#include "ledge/admin/rights.hpp"
#include "ledge/transport/http.hpp"

namespace ledge::admin {

struct Site;

inline constexpr std::string_view api_path = "/api/v1";

enum class BodyKind : std::uint8_t { none, json };

struct Route {
    transport::HttpMethod method = transport::HttpMethod::get;
    /// The path below /api/v1. {name} stands for one part of the path, and {name*}, at the end, for the whole rest.
    std::string_view pattern;
    Right right = Right::read;
    BodyKind body = BodyKind::none;
    void (*handler)(Site& site, ApiRequest request) = nullptr;
    std::string_view summary;
};

std::span<const Route> routes();

/// The decoded parameters if `path` (still percent-encoded, without /api/v1) fits the pattern; otherwise nullopt.
std::optional<TextPairs> match(std::string_view pattern, std::string_view path);

}  // namespace ledge::admin
