// Descriptor: a file descriptor of the system with one owner. Closing it closes a file, a socket or a directory, and
// gives up the locks that belong to it. Any thread, one at a time.
#pragma once

#include <utility>

namespace ledge::os {

/// The number that stands for "no descriptor", as the system's calls return it.
inline constexpr int no_descriptor = -1;

class Descriptor {
public:
    Descriptor() = default;
    /// Takes ownership of `number`, the result of open(2), socket(2) and the like. Any negative number is an error's
    /// result: the object is empty then.
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~Descriptor() { reset(); }

    /// The descriptor's number for calls of the system; negative when the object is empty. Stays the object's.
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }

    /// Gives the ownership to the caller, who must close the number.
    [[nodiscard]] int release() { return std::exchange(number_, no_descriptor); }
    /// Closes what the object owns. Then it owns `number`. errno is unchanged.
    void reset(int number = no_descriptor);

private:
    int number_ = no_descriptor;
};

}  // namespace ledge::os
