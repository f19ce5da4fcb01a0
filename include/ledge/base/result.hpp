// Result holds a value or an error. A function returns a Result when its input, for example from a peer, may be wrong.
// Exceptions never cross a module border.
#pragma once

#include <utility>
#include <variant>

#include "ledge/base/assert.hpp"

namespace ledge {

/// Wraps an error, so that `return Failure{code};` is visibly the failure of the function.
template <class E>
struct Failure {
    E error;
};
template <class E>
Failure(E) -> Failure<E>;

template <class T, class E>
class [[nodiscard]] Result {
public:
    // Both constructors are implicit, so that a function can simply return a value or a Failure.
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Failure<E> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

    // Compared by index and not by type, because T and E may be the same type.
    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // value() requires ok(), error() requires !ok().

    T& value() {
        LEDGE_ASSERT(ok());
        return *std::get_if<0>(&state_);
    }
    const T& value() const {
        LEDGE_ASSERT(ok());
        return *std::get_if<0>(&state_);
    }
    const E& error() const {
        LEDGE_ASSERT(!ok());
        return *std::get_if<1>(&state_);
    }
    T& operator*() { return value(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    std::variant<T, E> state_;
};

}  // namespace ledge
