// JSON objects from strangers, read with bounds. Boost.JSON is behind this and nowhere else in the module.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::auth {

/// An object of a JsonDocument, which it borrows. Members are asked for by name and kind: nothing when there is none of
/// that name, or of another kind.
class JsonObject {
public:
    bool has(std::string_view name) const;
    std::optional<std::string_view> text(std::string_view name) const;
    /// A number, rounded down; what does not fit is the smallest or largest that does.
    std::optional<std::int64_t> integer(std::string_view name) const;
    /// A list that has nothing but texts.
    std::optional<std::vector<std::string_view>> texts(std::string_view name) const;
    std::optional<JsonObject> object(std::string_view name) const;
    /// The objects in a list; what else is in it is left out.
    std::optional<std::vector<JsonObject>> objects(std::string_view name) const;
    std::vector<std::string_view> names() const;

private:
    friend class JsonDocument;
    explicit JsonObject(const void* object) : object_(object) {}
    const void* object_;
};

class JsonDocument {
public:
    static constexpr std::size_t depth_max = 8;

    /// Nothing: `text` is not one object in JSON (RFC 8259), or one that is nested too deep.
    static std::optional<JsonDocument> parse(std::string_view text);
    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

    JsonObject root() const;

private:
    struct Parts;
    explicit JsonDocument(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::auth
