// Reads JSON with Boost.JSON. Only this file compiles the library.
#include "json.hpp"

#include <boost/json/src.hpp>
#include <limits>
#include <utility>

namespace ledge::auth {
namespace {

namespace json = boost::json;

const json::value* find(const json::object& object, std::string_view name) {
    return object.if_contains({name.data(), name.size()});
}

std::string_view view_of(json::string_view text) { return {text.data(), text.size()}; }

// Rounds down and limits to the range. std::floor would load the mathematical library, 0.3 MB of memory in each broker.
std::int64_t clamp(double number) {
    constexpr double bound = 9.2e18;  // a little less than 2^63
    if (!(number > -bound)) return std::numeric_limits<std::int64_t>::min();
    if (number > bound) return std::numeric_limits<std::int64_t>::max();
    const auto truncated = static_cast<std::int64_t>(number);
    return static_cast<double>(truncated) > number ? truncated - 1 : truncated;
}

}  // namespace

struct JsonDocument::Parts {
    json::value value;
};

JsonDocument::JsonDocument(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

std::optional<JsonDocument> JsonDocument::parse(std::string_view text) {
    json::parse_options options;
    options.max_depth = depth_max;
    json::error_code error;
    auto parts = std::make_unique<Parts>(Parts{json::parse({text.data(), text.size()}, error, {}, options)});
    if (error || !parts->value.is_object()) return std::nullopt;
    return JsonDocument(std::move(parts));
}

JsonObject JsonDocument::root() const { return JsonObject(parts_->value.get_object()); }

bool JsonObject::has(std::string_view name) const { return find(*object_, name) != nullptr; }

std::optional<std::string_view> JsonObject::text(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return view_of(value->get_string());
}

std::optional<std::int64_t> JsonObject::integer(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr) return std::nullopt;
    if (const std::int64_t* number = value->if_int64()) return *number;
    // Boost.JSON uses uint64 only for numbers above the largest int64.
    if (value->is_uint64()) return std::numeric_limits<std::int64_t>::max();
    if (const double* number = value->if_double()) return clamp(*number);
    return std::nullopt;
}

std::optional<std::vector<std::string_view>> JsonObject::texts(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr || !value->is_array()) return std::nullopt;
    std::vector<std::string_view> result;
    for (const json::value& item : value->get_array()) {
        if (!item.is_string()) return std::nullopt;
        result.push_back(view_of(item.get_string()));
    }
    return result;
}

std::optional<JsonObject> JsonObject::object(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr || !value->is_object()) return std::nullopt;
    return JsonObject(value->get_object());
}

std::optional<std::vector<JsonObject>> JsonObject::objects(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr || !value->is_array()) return std::nullopt;
    std::vector<JsonObject> result;
    for (const json::value& item : value->get_array()) {
        // Members of another kind are left out: a reader of a JWK Set should ignore what it does not understand (RFC
        // 7517 section 5).
        if (item.is_object()) result.push_back(JsonObject(item.get_object()));
    }
    return result;
}

std::vector<std::string_view> JsonObject::names() const {
    std::vector<std::string_view> result;
    for (const auto& member : *object_) result.push_back(view_of(member.key()));
    return result;
}

}  // namespace ledge::auth
