// Checker: reads the history and objects when a promise is broken. Each has a name that says the promise, knows only
// events, and has a test that forges a history it must object to (checker_*_test.cpp).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event.hpp"

namespace ledge::sim {

class Checker {
public:
    Checker() = default;
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;
    virtual ~Checker() = default;

    virtual std::string_view name() const = 0;
    virtual void on(const Event& event) = 0;

    /// The first objection.
    const std::optional<std::string>& objection() const { return objection_; }

protected:
    void object(const Event& event, const std::string& why) {
        if (!objection_) objection_ = why + ": " + to_string(event);
    }

private:
    std::optional<std::string> objection_;
};

/// A publication at one client's session.
using Copy = std::pair<std::int32_t, std::uint32_t>;  // client, uid
inline Copy copy_of(const Event& event) { return {event.client, event.label.uid}; }

inline bool is(const Event& event, Kind kind, wire::PacketType type) {
    return event.kind == kind && event.type == type;
}
inline bool is_publish(const Event& event, Kind kind) { return is(event, kind, wire::PacketType::publish); }

/// The client has finished with a message the broker sent.
inline bool is_end_of_exchange(const Event& event) {
    if (event.kind != Kind::in) return false;
    return event.type == wire::PacketType::puback || event.type == wire::PacketType::pubcomp ||
           (event.type == wire::PacketType::pubrec && wire::is_error(event.code));
}

/// Which connection a client's session has now. What an earlier one still had in its outbox says nothing about the
/// session any more.
class CurrentLinks {
public:
    void on(const Event& event) {
        if (event.kind == Kind::session_began || event.kind == Kind::session_kept) links_[event.client] = event.link;
        if (event.kind == Kind::session_ended) links_[event.client] = -1;
    }
    bool is_stale(const Event& event) const {
        const auto found = links_.find(event.client);
        return found != links_.end() && found->second != event.link;
    }

private:
    std::map<std::int32_t, std::int32_t> links_;
};

/// One of every kind.
std::vector<std::unique_ptr<Checker>> all_checkers();

}  // namespace ledge::sim
