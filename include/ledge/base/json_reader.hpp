// Reads JSON objects from untrusted peers, with a limit of the nesting. Only json_reader.cpp uses Boost.JSON. A
// document is owned by the function that parses it. JsonWriter (json.hpp) writes JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::json {
class object;
}

namespace ledge {

/// An object of a JsonDocument, which must outlive it. A getter returns nullopt if the object has no member with this
/// name, or a member of another kind.
class JsonObject {
public:
    bool has(std::string_view name) const;
    std::optional<std::string_view> text(std::string_view name) const;
    /// Returns a number, rounded down. A number outside the range becomes the smallest or the largest one.
    std::optional<std::int64_t> integer(std::string_view name) const;
    /// Returns a number that is written without a sign, places and exponent.
    std::optional<std::uint64_t> whole_number(std::string_view name) const;
    std::optional<bool> boolean(std::string_view name) const;
    bool is_null(std::string_view name) const;
    /// Returns the elements of a list that has only texts.
    std::optional<std::vector<std::string_view>> texts(std::string_view name) const;
    /// Returns the elements of a list that has only lists of two texts: [["name","value"]].
    std::optional<std::vector<std::pair<std::string_view, std::string_view>>> pairs(std::string_view name) const;
    std::optional<JsonObject> object(std::string_view name) const;
    /// Returns the objects of a list, and ignores its other elements.
    std::optional<std::vector<JsonObject>> objects(std::string_view name) const;
    std::vector<std::string_view> names() const;

private:
    friend class JsonDocument;
    explicit JsonObject(const boost::json::object& object) : object_(&object) {}
    const boost::json::object* object_;
};

/// A member of the outermost object, as a reader of single values wants it.
struct JsonMember {
    enum class Kind : std::uint8_t { text, number, boolean, null, object, list };
    std::string_view name;  // without escapes
    Kind kind = Kind::null;
    /// A text without its quotes and escapes. Every other value as it was written: 1.50 stays 1.50.
    std::string_view text;
};

class JsonDocument {
public:
    static constexpr std::size_t depth_max = 8;

    /// nullopt = `text` is not one JSON object (RFC 8259), or is nested deeper than depth_max.
    static std::optional<JsonDocument> parse(std::string_view text);
    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

    JsonObject root() const;
    /// The members of the root in their order. `source` is the text that was parsed; it and the document must outlive
    /// the result. nullopt = two members have the same name, and readers would disagree about the value.
    std::optional<std::vector<JsonMember>> members(std::string_view source) const;

private:
    struct Parts;
    explicit JsonDocument(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge
