// StrongId: an unsigned integer that names one thing of one kind, such as a session or a journal record. Each kind has
// its own tag, so the compiler refuses a call that passes an id of another kind, or a plain count. base/ids.hpp defines
// the ids of the broker. A StrongId is a value; it costs what its integer costs.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <string_view>  // declares std::hash, and is smaller than <functional>

namespace ledge {

/// `Tag` is a type that only tells the kinds apart. `Rep` is the integer. A default-constructed id is 0.
template <class Tag, std::unsigned_integral Rep>
class StrongId {
public:
    constexpr StrongId() = default;
    // Explicit: at the place where a number becomes an id, the code has to say which kind of id it is.
    constexpr explicit StrongId(Rep value) : value_(value) {}

    /// The number, for arithmetic and for the encoding of keys.
    constexpr Rep value() const { return value_; }

    /// The id after this one. After the highest id comes 0.
    constexpr StrongId next() const { return StrongId(static_cast<Rep>(value_ + 1)); }
    constexpr StrongId& operator++() { return *this = next(); }

    /// Ids have the order of their numbers. Ids of different kinds cannot be compared.
    constexpr auto operator<=>(const StrongId&) const = default;

    /// Called by boost::hash.
    friend std::size_t hash_value(StrongId id) { return std::hash<Rep>{}(id.value_); }

private:
    Rep value_ = 0;
};

}  // namespace ledge

template <class Tag, class Rep>
struct std::hash<ledge::StrongId<Tag, Rep>> {
    std::size_t operator()(ledge::StrongId<Tag, Rep> id) const { return hash_value(id); }
};
