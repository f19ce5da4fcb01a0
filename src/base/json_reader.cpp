// Reads JSON with Boost.JSON. Only this file compiles the library.
#include "ledge/base/json_reader.hpp"

#include <boost/json/src.hpp>
#include <limits>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge {
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

JsonMember::Kind kind_of(const json::value& value) {
    if (value.is_string()) return JsonMember::Kind::text;
    if (value.is_number()) return JsonMember::Kind::number;
    if (value.is_bool()) return JsonMember::Kind::boolean;
    if (value.is_object()) return JsonMember::Kind::object;
    return value.is_array() ? JsonMember::Kind::list : JsonMember::Kind::null;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Finds the values of the members in the text of an object. The parser has accepted the text, so the grammar need not
/// be checked again, and only texts and brackets matter. The parser itself gives numbers as double: it would turn 0.10
/// into 1E-1.
class ValueFinder {
public:
    explicit ValueFinder(std::string_view source) : rest_(source) { skip_to('{'); }

    /// The text of the next value, without the blanks around it. Requires that there is one more.
    std::string_view next() {
        skip_text(rest_.find('"'));  // the name
        skip_to(':');
        while (is_blank(rest_.front())) rest_.remove_prefix(1);
        const char* begin = rest_.data();
        int depth = 0;
        while (depth > 0 || (rest_.front() != ',' && rest_.front() != '}')) {
            const char c = rest_.front();
            if (c == '"') {
                skip_text(0);
                continue;
            }
            depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
            rest_.remove_prefix(1);
        }
        std::string_view value(begin, static_cast<std::size_t>(rest_.data() - begin));
        while (is_blank(value.back())) value.remove_suffix(1);
        is_ended_ = rest_.front() == '}';
        rest_.remove_prefix(1);  // the comma, or the bracket
        return value;
    }

    /// True: the last value was that of the last member, and only blanks follow.
    bool is_done() const { return is_ended_; }

private:
    void skip_to(char c) {
        const std::size_t at = rest_.find(c);
        LEDGE_ASSERT(at != std::string_view::npos);
        rest_.remove_prefix(at + 1);
    }

    /// Skips the text whose first quote is at `at`.
    void skip_text(std::size_t at) {
        LEDGE_ASSERT(at < rest_.size() && rest_[at] == '"');
        for (++at; rest_[at] != '"'; ++at) {
            if (rest_[at] == '\\') ++at;  // the next character is escaped, and may be a quote
        }
        rest_.remove_prefix(at + 1);
    }

    std::string_view rest_;
    bool is_ended_ = false;
};

}  // namespace

struct JsonDocument::Parts {
    json::value value;
    std::size_t source_size;  // bytes
};

JsonDocument::JsonDocument(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

std::optional<JsonDocument> JsonDocument::parse(std::string_view text) {
    json::parse_options options;
    options.max_depth = depth_max;
    json::error_code error;
    auto parts =
        std::make_unique<Parts>(Parts{json::parse({text.data(), text.size()}, error, {}, options), text.size()});
    if (error || !parts->value.is_object()) return std::nullopt;
    return JsonDocument(std::move(parts));
}

JsonObject JsonDocument::root() const { return JsonObject(parts_->value.get_object()); }

std::optional<std::vector<JsonMember>> JsonDocument::members(std::string_view source) const {
    LEDGE_ASSERT(source.size() == parts_->source_size);
    const json::object& object = parts_->value.get_object();
    std::vector<JsonMember> result;
    if (object.empty()) return result;
    ValueFinder finder(source);
    for (const auto& member : object) {
        const std::string_view written = finder.next();
        const json::value& value = member.value();
        result.push_back(
            {view_of(member.key()), kind_of(value), value.is_string() ? view_of(value.get_string()) : written});
    }
    // The parser keeps one member of each name, so with equal names the finder has not come to the end of the object.
    if (!finder.is_done()) return std::nullopt;
    return result;
}

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

std::optional<std::uint64_t> JsonObject::whole_number(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr) return std::nullopt;
    if (const std::uint64_t* number = value->if_uint64()) return *number;
    const std::int64_t* number = value->if_int64();
    if (number == nullptr || *number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

std::optional<bool> JsonObject::boolean(std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

bool JsonObject::is_null(std::string_view name) const {
    const json::value* value = find(*object_, name);
    return value != nullptr && value->is_null();
}

std::optional<std::vector<std::pair<std::string_view, std::string_view>>> JsonObject::pairs(
    std::string_view name) const {
    const json::value* value = find(*object_, name);
    if (value == nullptr || !value->is_array()) return std::nullopt;
    std::vector<std::pair<std::string_view, std::string_view>> result;
    for (const json::value& item : value->get_array()) {
        const json::array* pair = item.if_array();
        if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string())
            return std::nullopt;
        result.emplace_back(view_of((*pair)[0].get_string()), view_of((*pair)[1].get_string()));
    }
    return result;
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

}  // namespace ledge
