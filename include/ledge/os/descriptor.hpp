// Descriptor: owns one file descriptor of the system: a file, a socket or a directory. Closing the descriptor also
// releases the file locks that belong to it. Any thread may use the object, one thread at a time.
#pragma once

#include <utility>

namespace ledge::os {

/// The number that stands for "no descriptor", as the system's calls return it.
inline constexpr int no_descriptor = -1;

class Descriptor {
public:
    Descriptor() = default;
    /// Takes ownership of `number`, the result of open(2), socket(2) and similar calls. A negative number is the result
    /// of a failed call; the object is then empty.
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~Descriptor() { reset(); }

    /// The descriptor's number for system calls; negative when the object is empty. The object remains the owner.
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }

    /// Passes the ownership to the caller, who must close the number.
    [[nodiscard]] int release() { return std::exchange(number_, no_descriptor); }
    /// Closes the descriptor that the object owns, then takes ownership of `number`. errno is unchanged.
    void reset(int number = no_descriptor);

private:
    int number_ = no_descriptor;
};

}  // namespace ledge::os
