// GatewayEvents: news of a gateway for the log, in order. The list is bounded; what does not fit is counted only.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ledge::mqttsn {

struct GatewayEvent {
    enum class Kind : std::uint8_t {
        connected,      // the broker has accepted a device
        refused,        // the broker, or a limit, has refused a device; `text` says why
        left,           // a device has disconnected
        lost,           // a device fell silent: its will is published
        ended,          // the broker has ended a device's connection; `text` says why
        taken_over,     // a device came back from another address
        oversize,       // too large for the link or the device; `text` is the topic. Told once per device and topic
        topic_refused,  // a device refuses a topic; `text` is the topic
    };
    Kind kind = Kind::connected;
    std::string client_id;
    std::string text;
};

class GatewayEvents {
public:
    static constexpr std::size_t events_max = 256;

    void tell(GatewayEvent::Kind kind, std::string_view client_id, std::string_view text = {}) {
        if (events_.size() >= events_max) {
            ++lost_;
            return;
        }
        events_.push_back({kind, std::string(client_id), std::string(text)});
    }
    /// Tells something that may come again and again, unless it was told lately. The memory is a small table of hashes:
    /// a pair that is told again was displaced by another one.
    void tell_once(GatewayEvent::Kind kind, std::string_view client_id, std::string_view text) {
        const std::size_t hash = std::hash<std::string_view>{}(client_id)*31 + std::hash<std::string_view>{}(text);
        std::size_t& told = told_[hash % told_.size()];
        if (std::exchange(told, hash) != hash) tell(kind, client_id, text);
    }
    std::optional<GatewayEvent> take() {
        if (events_.empty()) return std::nullopt;
        GatewayEvent event = std::move(events_.front());
        events_.pop_front();
        return event;
    }
    /// Events that found no room.
    std::uint64_t lost() const { return lost_; }

private:
    std::deque<GatewayEvent> events_;
    std::array<std::size_t, 64> told_{};
    std::uint64_t lost_ = 0;
};

}  // namespace ledge::mqttsn
