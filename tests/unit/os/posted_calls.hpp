// PostedCalls: the loop's end of os::Post for tests without an Asio loop. Calls are queued by any thread and made by
// run(), on the test's thread.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "ledge/os/descriptor.hpp"
#include "ledge/os/mailbox.hpp"

namespace ledge::os {

class PostedCalls {
public:
    Post post() {
        return [this](std::function<void()> call) {
            const std::lock_guard lock(mutex_);
            calls_.push_back(std::move(call));
            const std::uint64_t one = 1;
            [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
        };
    }

    /// Readable when calls wait.
    int descriptor() const { return wake_.get(); }

    /// Makes the calls that wait; returns how many there were.
    std::size_t run() {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t size = ::read(wake_.get(), &count, sizeof count);
        std::vector<std::function<void()>> calls;
        {
            const std::lock_guard lock(mutex_);
            calls.swap(calls_);
        }
        for (const auto& call : calls) call();
        return calls.size();
    }

    /// Makes calls until `is_done`; false: not within ten seconds.
    bool until(const std::function<bool()>& is_done) {
        for (int waits = 0; waits < 1000 && !is_done(); ++waits) {
            pollfd ready{wake_.get(), POLLIN, 0};
            ::poll(&ready, 1, 10);
            run();
        }
        return is_done();
    }

private:
    Descriptor wake_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    std::mutex mutex_;
    std::vector<std::function<void()>> calls_;
};

}  // namespace ledge::os
