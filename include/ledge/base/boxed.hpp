// Boxed: an optional value that takes one pointer while there is none. For rare parts of objects that exist in large
// numbers. Copies are deep. A value with one owner; no locks.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge {

template <class T>
class Boxed {
public:
    Boxed() = default;
    // Implicit, as those of std::optional, so that a Boxed can take its place in a struct of options.
    Boxed(std::nullopt_t) {}
    Boxed(std::optional<T> other) {
        if (other) value_ = std::make_unique<T>(std::move(*other));
    }
    template <class U>
        requires(std::constructible_from<T, U&&> && !std::same_as<std::remove_cvref_t<U>, Boxed> &&
                 !std::same_as<std::remove_cvref_t<U>, std::optional<T>>)
    Boxed(U&& value) : value_(std::make_unique<T>(std::forward<U>(value))) {}
    Boxed(const Boxed& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
    Boxed(Boxed&&) noexcept = default;
    Boxed& operator=(Boxed other) noexcept {
        value_ = std::move(other.value_);
        return *this;
    }
    ~Boxed() = default;

    bool has_value() const { return value_ != nullptr; }
    explicit operator bool() const { return has_value(); }
    void reset() { value_.reset(); }

    // The value; there must be one.
    T& operator*() {
        LEDGE_ASSERT(has_value());
        return *value_;
    }
    const T& operator*() const {
        LEDGE_ASSERT(has_value());
        return *value_;
    }
    T* operator->() { return &**this; }
    const T* operator->() const { return &**this; }

private:
    std::unique_ptr<T> value_;
};

}  // namespace ledge
