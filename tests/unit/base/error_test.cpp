#include "ledge/base/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace ledge;

namespace {

/// The codes of a module that writes whole sentences: the category has no words of its own.
class Wordless final : public std::error_category {
public:
    const char* name() const noexcept override { return "wordless"; }
    std::string message(int) const override { return {}; }
};
const Wordless wordless;

}  // namespace

TEST_CASE("the sentence is the operation with its subject and detail, then the cause") {
    CHECK(text_of({system_code(EADDRINUSE), "cannot listen on {}", "127.0.0.1:1883"}) ==
          "cannot listen on 127.0.0.1:1883: Address already in use");
    CHECK(text_of({system_code(ENOENT), "{} cannot be opened", "/etc/x"}) ==
          "/etc/x cannot be opened: No such file or directory");
    CHECK(text_of({system_code(EPERM), "cannot become '{}' ({})", "mqtt", "setgroups"}) ==
          "cannot become 'mqtt' (setgroups): Operation not permitted");
    CHECK(text_of({system_code(EMFILE), "cannot create the event loop"}) ==
          "cannot create the event loop: Too many open files");
}

TEST_CASE("without a code, and with a code that has no words, the operation says everything") {
    CHECK(text_of({{}, "the broker is stopping"}) == "the broker is stopping");
    CHECK(text_of({std::error_code(2, wordless), "{}: in use by process {}", "/var/lib/x", "7"}) ==
          "/var/lib/x: in use by process 7");
}

TEST_CASE("other words can stand for the subject") {
    const Error error{system_code(EACCES), "{} cannot be opened", "/etc/x"};
    CHECK(text_of(error, "the file") == "the file cannot be opened: Permission denied");
}

TEST_CASE("a larger operation keeps the code and the sentence of the inner error") {
    const Error inner{system_code(ENOENT), "{} cannot be opened", "/etc/x"};
    const Error outer = in_context("TLS of listener '{}': {}", "a", inner);
    CHECK((outer.code == inner.code));
    CHECK(text_of(outer) == "TLS of listener 'a': /etc/x cannot be opened: No such file or directory");
    CHECK(text_of(in_context("TLS to the hook: {}", "", inner)) ==
          "TLS to the hook: /etc/x cannot be opened: No such file or directory");
}

TEST_CASE("a subject that contains the mark of a place stays as it is") {
    CHECK(text_of({{}, "{} is not {}", "/a{}b", "{}"}) == "/a{}b is not {}");
    CHECK(text_of({{}, "{}: has {} files", "", "3"}) == ": has 3 files");
}

TEST_CASE("two errors are equal when the cause, the operation, the subject and the detail are equal") {
    const Error error{system_code(ENOSPC), "{}: cannot be written", "/a", ""};
    CHECK(error == Error{system_code(ENOSPC), "{}: cannot be written", "/a"});
    CHECK(error != Error{system_code(EDQUOT), "{}: cannot be written", "/a"});
    CHECK(error != Error{std::error_code(ENOSPC, wordless), "{}: cannot be written", "/a"});
    CHECK(error != Error{system_code(ENOSPC), "{}: cannot be written", "/b"});
}
