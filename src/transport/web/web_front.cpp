// The only translation unit that compiles Beast: 0.8 GB and half a minute. Its parts are templates on the stream below,
// a plain socket or TLS.
#include <unistd.h>

#include "http_session.hpp"
#include "ledge/transport/endpoint.hpp"

namespace ledge::transport {

void WebFrontState::wait(Visitor& visitor, List& list, Duration time) {
    forget(visitor);
    visitor.deadline = driver.now() + time;
    list.push_back(visitor);
    visitor.list = &list;
}

void WebFrontState::forget(Visitor& visitor) {
    if (visitor.list == nullptr) return;
    visitor.list->erase(visitor.list->iterator_to(visitor));
    visitor.list = nullptr;
}

namespace {

class WebFront final : public Front {
public:
    WebFront(asio::io_context& io, WebOptions options, const HttpHandler& handler, Driver& driver, const Log& log)
        : io_(io), state_{std::move(options), handler, driver, log} {}
    ~WebFront() override {
        for (WebFrontState::List* list : {&state_.waiting, &state_.ending}) {
            while (!list->empty()) list->front().close();
        }
    }

    void take(int descriptor, const sockaddr_storage& address) override {
        try {
            greet(PlainStream(io_, descriptor, address.ss_family), address);
        } catch (const boost::system::system_error& error) {  // no memory for watching it
            state_.log.warning("connection_dropped", {{"address", to_text(address)}, {"reason", error.what()}});
        }
    }

    void on_time(Instant now) override {
        for (WebFrontState::List* list : {&state_.waiting, &state_.ending}) {
            while (!list->empty() && list->front().deadline <= now) list->front().expire();
        }
    }
    Instant next_deadline() const override {
        Instant earliest = never;
        for (const WebFrontState::List* list : {&state_.waiting, &state_.ending}) {
            if (!list->empty()) earliest = std::min(earliest, list->front().deadline);
        }
        return earliest;
    }
    std::size_t asio_peers() const override { return *state_.count; }

private:
    template <class Stream>
    void greet(Stream stream, const sockaddr_storage& address) {
        if (state_.waiting.size() >= state_.options.limits.visitors_max) state_.waiting.front().close();
        std::make_shared<HttpSession<Stream>>(std::move(stream), address, state_)->begin();
    }

    asio::io_context& io_;
    WebFrontState state_;
};

}  // namespace

std::unique_ptr<Front> make_web_front(boost::asio::io_context& io, WebOptions options, const HttpHandler& handler,
                                      Driver& driver, const Log& log) {
    return std::make_unique<WebFront>(io, std::move(options), handler, driver, log);
}

}  // namespace ledge::transport
