#include "ledge/bridge/echo_window.hpp"

#include <algorithm>

namespace ledge::bridge {

void EchoWindow::on_sent(std::uint64_t fingerprint, Instant now) {
    if (sent_.size() == size_max_) sent_.pop_front();
    sent_.push_back({fingerprint, now});
}

bool EchoWindow::is_echo(std::uint64_t fingerprint, Instant now) {
    while (!sent_.empty() && sent_.front().when + lifetime_ < now) sent_.pop_front();
    const auto found =
        std::find_if(sent_.begin(), sent_.end(), [&](const Sent& one) { return one.fingerprint == fingerprint; });
    if (found == sent_.end()) return false;
    sent_.erase(found);
    return true;
}

}  // namespace ledge::bridge
