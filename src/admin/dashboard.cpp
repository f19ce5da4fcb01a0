// Finds the file of the dashboard that a request names, and writes the policy that the browser keeps to.
#include "dashboard.hpp"

#include <algorithm>
#include <string_view>

#include "dashboard_bundle.hpp"
#include "ledge/base/assert.hpp"

namespace ledge::admin {
namespace {

using transport::HttpAnswer;

constexpr std::string_view text_without_dashboard =
    "This LedgeMQ was built without the dashboard (LEDGE_DASHBOARD=OFF).\n"
    "/healthz, /metrics and /api/v1/ are served, and `ledgemq ctl` shows the same figures in a terminal.\n";
constexpr std::string_view text_for_plain_clients =
    "The dashboard is for browsers, and it is sent compressed: curl --compressed shows its source.\n"
    "Programs read /api/v1/, and `ledgemq ctl` shows the same figures in a terminal.\n";

/// True: the text consists of the characters of a host name or an IPv4 address. Only such a text may stand in the
/// policy; another one could add a directive of its own. An IPv6 address has no form in a policy.
bool is_plain_host(std::string_view host) {
    return !host.empty() && std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
}

struct Origin {
    std::string_view scheme;  // "ws"
    std::string_view host;    // "0.0.0.0"
    std::string_view port;    // ":8080"; "" = the usual one
};

/// The parts of "ws://0.0.0.0:8080/mqtt".
Origin origin_of(std::string_view url) {
    const std::size_t after_scheme = url.find("://");
    LEDGE_ASSERT(after_scheme != std::string_view::npos);
    std::string_view authority = url.substr(after_scheme + 3);
    authority = authority.substr(0, authority.find('/'));
    const std::size_t colon = authority.rfind(':');
    const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
    return {url.substr(0, after_scheme), authority.substr(0, has_port ? colon : std::string_view::npos),
            has_port ? authority.substr(colon) : std::string_view()};
}

bool is_any_address(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "[::]"; }

}  // namespace

/// The page reaches a listener of all addresses by the host that the browser has asked, so the policy names that host.
std::string dashboard_policy(std::string_view host, const std::vector<std::string>& web_sockets) {
    std::string policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'";
    for (const std::string& url : web_sockets) {
        const Origin origin = origin_of(url);
        const std::string_view name = is_any_address(origin.host) ? host : origin.host;
        if (!is_plain_host(name)) continue;
        policy.append(" ").append(origin.scheme).append("://").append(name).append(origin.port);
    }
    // Without 'trusted-types' a script could turn a string into markup; the dashboard has no such place.
    policy +=
        "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'";
    return policy;
}

std::optional<HttpAnswer> find_dashboard_file(const transport::HttpRequest& request,
                                              const std::vector<std::string>& web_sockets) {
    const std::span<const BundleFile> files = bundle_files();
    if (files.empty() && request.path == "/") return HttpAnswer{.body = std::string(text_without_dashboard)};
    const auto file = std::ranges::find(files, request.path, &BundleFile::path);
    if (file == files.end()) return std::nullopt;
    // Every browser takes gzip. The broker keeps no second, uncompressed copy for others.
    if (request.accept_encoding.find("gzip") == std::string_view::npos)
        return HttpAnswer{.body = std::string(text_for_plain_clients)};
    HttpAnswer answer{.content_type = file->content_type,
                      .body = std::string(file->gzip),
                      .cache_control = "no-cache",  // the browser asks again, with the tag
                      .etag = std::string(file->etag)};
    answer.fields = {{"Content-Encoding", "gzip"},
                     {"Vary", "Accept-Encoding"},
                     {"Content-Security-Policy", dashboard_policy(request.host, web_sockets)},
                     {"Referrer-Policy", "no-referrer"},
                     {"Cross-Origin-Opener-Policy", "same-origin"},
                     {"Cross-Origin-Resource-Policy", "same-origin"}};
    return answer;
}

}  // namespace ledge::admin
