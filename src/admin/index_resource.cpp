// GET / and GET /openapi.json: what this is, its resources, and their description for programs.
#include "ledge/base/json.hpp"
#include "ledge/base/quote.hpp"
#include "openapi_text.hpp"
#include "resources.hpp"
#include "routes.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

/// FNV-1a. Only a changed text must give another tag; nobody gains anything by two texts with the same tag.
std::string tag_of(std::string_view text) {
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3U;
    std::string digits;
    append_hex(static_cast<std::uint32_t>(hash >> 32U), 8, digits);
    append_hex(static_cast<std::uint32_t>(hash), 8, digits);
    return '"' + digits + '"';
}

}  // namespace

void get_index(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    JsonWriter body;
    body.text("name", "LedgeMQ");
    body.text("version", site.version);
    body.begin_list("resources");
    std::string_view last;
    for (const Route& route : routes()) {
        // The rows of one resource stand together.
        if (route.pattern == last || route.pattern == "/") continue;
        last = route.pattern;
        body.element(std::string(api_path) + std::string(route.pattern));
    }
    body.end_list();
    request.answer(body);
}

void get_openapi(Site&, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    transport::HttpAnswer answer;
    answer.content_type = json_type;
    answer.body = openapi_text;
    answer.cache_control = "no-cache";  // the browser may keep the text, and asks whether it has changed
    static const std::string tag = tag_of(openapi_text);
    answer.etag = tag;
    request.answer(std::move(answer));
}

}  // namespace ledge::admin
