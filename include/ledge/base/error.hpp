// Error: a failure outside the rules of a protocol: of a file, a socket, a name, a store, a certificate. Code decides
// by `code`; text_of() makes the sentence for people, at the place that logs or prints it. No code reads the sentence.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace ledge {

struct Error {
    /// The cause and its domain. Each module with codes of its own has a category for them. An empty code, or a code
    /// whose category has no words for it, means that `operation` says everything.
    std::error_code code{};
    /// A string literal: the sentence without its cause. The first "{}" stands for the subject, the second for the
    /// detail: "cannot listen on {}", "{} cannot be opened", "{}: in use by process {}".
    std::string_view operation{};
    std::string subject{};  // a path, an address, a key of the configuration; "" = the operation names no subject
    std::string detail{};   // a number or a second name; "" = the operation needs none

    /// Two failures that have the same sentence and the same code.
    friend bool operator==(const Error&, const Error&) = default;
};

/// The sentence for people: "cannot listen on 127.0.0.1:1883: Address already in use".
std::string text_of(const Error& error);

/// The same sentence with other words for the subject, for a text that has named the subject already: text_of(error,
/// "the file") is "the file cannot be opened: No such file or directory".
std::string text_of(const Error& error, std::string_view subject);

/// An error that says in which larger operation `inner` has happened. The code is the one of `inner`.
/// in_context("TLS of listener '{}': {}", "a", inner) is "TLS of listener 'a': /etc/x cannot be opened: No such file or
/// directory". With a subject "" the operation has one place, for the sentence of `inner`.
Error in_context(std::string_view operation, std::string subject, const Error& inner);

/// The code for an errno.
inline std::error_code system_code(int number) { return {number, std::system_category()}; }

}  // namespace ledge
