// UpgradeChannel: one end of the connection between the old and the new broker of an upgrade, a pair of Unix sockets
// that keep packets apart. Each end says single words. Upgrade owns the old broker's end, Predecessor the new one's.
#pragma once

#include <cstdint>
#include <system_error>
#include <utility>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {

class UpgradeChannel {
public:
    enum class Word : std::uint8_t {
        nothing,   // hear() only: no word has come yet
        prepared,  // new to old: the configuration is right, and everything is ready that does not need the store
        open,      // old to new: the store is closed
        serving,   // new to old: clients are served
        nonsense,  // hear() only: something that is no word
        ended,     // hear() only: the other process has closed its end, mostly by its own end
    };

    UpgradeChannel() = default;
    explicit UpgradeChannel(os::Descriptor socket) : socket_(std::move(socket)) {}

    /// The two ends of a new channel.
    static Result<std::pair<UpgradeChannel, UpgradeChannel>, std::error_code> create();

    bool is_open() const { return socket_.is_open(); }
    int descriptor() const { return socket_.get(); }
    void close() { socket_.reset(); }

    /// Returns false if the other end is closed.
    bool say(Word word) const;
    /// The next word, without waiting.
    Word hear() const;
    /// The next word; `nothing` if none comes within `time_max`.
    Word wait(Duration time_max) const;

private:
    os::Descriptor socket_;
};

}  // namespace ledge::daemon
