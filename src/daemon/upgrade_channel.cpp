#include "upgrade_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "ledge/base/assert.hpp"
#include "ledge/base/error.hpp"

namespace ledge::daemon {
namespace {

struct Spelling {
    UpgradeChannel::Word word;
    std::string_view text;
};

constexpr std::array spellings{
    Spelling{UpgradeChannel::Word::prepared, "prepared"},
    Spelling{UpgradeChannel::Word::open, "open"},
    Spelling{UpgradeChannel::Word::serving, "serving"},
};

}  // namespace

Result<std::pair<UpgradeChannel, UpgradeChannel>, std::error_code> UpgradeChannel::create() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return Failure{system_code(errno)};
    return std::pair(UpgradeChannel(os::Descriptor(ends[0])), UpgradeChannel(os::Descriptor(ends[1])));
}

bool UpgradeChannel::say(Word word) const {
    const auto found = std::ranges::find(spellings, word, &Spelling::word);
    LEDGE_ASSERT(found != spellings.end());
    return ::send(socket_.get(), found->text.data(), found->text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

UpgradeChannel::Word UpgradeChannel::hear() const {
    std::array<char, 32> buffer;
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Word::nothing;
    if (size <= 0) return Word::ended;
    const auto found =
        std::ranges::find(spellings, std::string_view(buffer.data(), static_cast<std::size_t>(size)), &Spelling::text);
    return found == spellings.end() ? Word::nonsense : found->word;
}

UpgradeChannel::Word UpgradeChannel::wait(Duration time_max) const {
    pollfd readable{socket_.get(), POLLIN, 0};
    ::poll(&readable, 1, static_cast<int>(time_max / 1ms));
    return hear();
}

}  // namespace ledge::daemon
