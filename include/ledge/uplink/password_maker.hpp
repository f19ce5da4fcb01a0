// PasswordMaker: calls the hook that makes passwords. A slow hook runs on a thread that lives as long as this call.
// Owned by Uplink; on the loop's thread.
#pragma once

#include <memory>
#include <optional>

#include "ledge/os/worker_pool.hpp"
#include "ledge/uplink/password.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::uplink {

class PasswordMaker {
public:
    /// `io` must outlive the object.
    PasswordMaker(PasswordHook hook, boost::asio::io_context& io);
    /// Calls give_up().
    ~PasswordMaker();
    PasswordMaker(const PasswordMaker&) = delete;
    PasswordMaker& operator=(const PasswordMaker&) = delete;

    /// False = there is no hook; nothing else may be called.
    bool is_used() const { return hook_.make != nullptr; }
    /// Begins to make a password. Requires !is_busy(). The result of a quick hook is there at once.
    void begin();
    /// True from begin() until take() or give_up().
    bool is_busy() const { return pool_ != nullptr || result_.has_value(); }
    bool is_done() const { return result_.has_value(); }
    /// Requires is_done().
    PasswordResult take();
    /// Ends a program that runs, and drops the result. Waits for the thread: some milliseconds.
    void give_up();

private:
    class Making;

    PasswordHook hook_;
    boost::asio::io_context& io_;
    std::unique_ptr<const os::ProgramStop> stop_;  // of the last call
    std::unique_ptr<os::WorkerPool> pool_;         // nullptr = no slow call runs
    std::optional<PasswordResult> result_;         // nullopt = there is none, or it was taken
};

}  // namespace ledge::uplink
