// Names, with look-ups of the test's.
#include "ledge/net/resolver.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "ledge/base/time.hpp"
#include "ledge/os/address.hpp"

using namespace ledge;
using namespace ledge::net;
namespace asio = boost::asio;

namespace {

std::atomic<bool> is_released{false};
std::atomic<int> asked{0};

Resolver::Answer hang(const std::string&) {
    is_released.wait(false);
    return Failure{ledge::Error{{}, "too late"}};
}

Resolver::Answer count(const std::string& name) {
    ++asked;
    if (name == "nobody") return Failure{ledge::Error{{}, "no such name"}};
    return Resolver::known("192.0.2.7");
}

}  // namespace

TEST_CASE("addresses and localhost need nobody") {
    const auto words = [](const std::string& host) {
        std::string text;
        for (const ledge::os::SocketAddress& address : Resolver::known(host)) text += to_text(address) + " ";
        return text;
    };
    CHECK(words("localhost") == "127.0.0.1:0 [::1]:0 ");
    CHECK(words("192.0.2.1") == "192.0.2.1:0 ");
    CHECK(words("2001:db8::1") == "[2001:db8::1]:0 ");
    CHECK(words("login.example.org").empty());
    CHECK(words("").empty());
}

TEST_CASE("who asks for the same name gets the same answer, from the loop; a failure is an answer too") {
    asio::io_context io{1};
    const auto work = asio::make_work_guard(io);
    Resolver resolver(io, count);
    std::string told;
    const auto note = [&told](const Resolver::Answer& answer) {
        told += (answer ? to_text(answer.value().front()) : text_of(answer.error())) + ", ";
    };
    resolver.resolve("somebody", note);
    resolver.resolve("somebody", note);
    resolver.resolve("nobody", note);
    CHECK(told.empty());
    while (asked < 2 || told.find("no such") == std::string::npos) REQUIRE(io.run_one_for(10s) == 1);
    CHECK(told == "192.0.2.7:0, 192.0.2.7:0, no such name, ");
    CHECK(asked == 2);
}

TEST_CASE("a look-up that hangs holds up neither the loop nor the end; those who wait are counted") {
    asio::io_context io{1};
    std::size_t called = 0;
    {
        Resolver resolver(io, hang);
        for (std::size_t i = 0; i < Resolver::waiting_max + 3; ++i)
            resolver.resolve("n" + std::to_string(i % 7), [&called](const Resolver::Answer& answer) {
                CHECK_FALSE(answer);
                ++called;
            });
        CHECK(called == 0);
        io.poll();
        CHECK(called == 3);
    }
    is_released = true;
    is_released.notify_all();
    io.restart();
    io.poll();
    CHECK(called == 3);
}
