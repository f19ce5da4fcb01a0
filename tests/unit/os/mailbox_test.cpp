#include "ledge/os/mailbox.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "posted_calls.hpp"

using namespace ledge::os;

TEST_CASE("what other threads send is received on the loop's thread, in order, and values that gather share one call") {
    PostedCalls calls;
    std::vector<int> received;
    Mailbox<int> mailbox(calls.post(), [&](int value) { received.push_back(value); });
    std::thread([sender = mailbox.sender()] {
        for (int i = 0; i < 100; ++i) sender.send(i);
    }).join();
    CHECK(received.empty());
    CHECK(calls.run() == 1);
    REQUIRE(received.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(received[static_cast<std::size_t>(i)] == i);
    mailbox.sender().send(100);
    CHECK(calls.run() == 1);
    CHECK(received.back() == 100);
}

TEST_CASE("values are moved, and what nobody receives is destroyed") {
    PostedCalls calls;
    const auto value = std::make_shared<int>(7);
    {
        Mailbox<std::unique_ptr<std::shared_ptr<int>>> mailbox(calls.post(), [](auto) {});
        mailbox.sender().send(std::make_unique<std::shared_ptr<int>>(value));
        CHECK(value.use_count() == 2);
    }
    CHECK(value.use_count() == 1);
    calls.run();
}

TEST_CASE("a sender may live longer than its mailbox") {
    PostedCalls calls;
    int received = 0;
    std::optional<Mailbox<int>> mailbox;
    mailbox.emplace(calls.post(), [&](int) { ++received; });
    const auto sender = mailbox->sender();
    sender.send(1);
    mailbox.reset();
    sender.send(2);
    calls.run();
    CHECK(received == 0);
}

TEST_CASE("the receiver may destroy the mailbox, and gets nothing more then") {
    PostedCalls calls;
    int received = 0;
    std::optional<Mailbox<int>> mailbox;
    mailbox.emplace(calls.post(), [&](int) {
        ++received;
        mailbox.reset();
    });
    const auto sender = mailbox->sender();
    sender.send(1);
    sender.send(2);
    calls.run();
    CHECK(received == 1);
}
