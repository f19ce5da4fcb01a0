// All connections of a shard: owned in an intrusive list, counted per listener.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/session/connection.hpp"

namespace ledge::broker {

class Connections {
public:
    explicit Connections(std::size_t listeners) : per_listener_(listeners) {}
    ~Connections();

    std::uint32_t count(std::uint16_t listener) const { return per_listener_[listener]; }
    std::uint32_t count() const { return count_; }

    session::Connection& add(std::unique_ptr<session::Connection> connection, std::uint16_t listener);
    /// Destroys it.
    void remove(session::Connection& connection);

    template <class F>
    void for_each(F&& f) {
        for (session::Connection* c = head_; c != nullptr;) {
            session::Connection* next = c->next_;
            f(*c);
            c = next;
        }
    }

private:
    session::Connection* head_ = nullptr;
    std::vector<std::uint32_t> per_listener_;
    std::uint32_t count_ = 0;
};

}  // namespace ledge::broker
