#include <doctest/doctest.h>

#include <memory>

#include "ledge/transport/http.hpp"

namespace ledge::transport {
namespace {

class Peer final : public HttpExchange {
public:
    bool is_waiting() const override { return state == 'w'; }
    bool is_streaming() const override { return state == 's'; }
    void answer(HttpAnswer given) override {
        status = given.status;
        state = 'o';
    }
    void begin_stream(const HttpStreamHead&) override { state = 's'; }
    std::size_t stream_room() const override { return 10; }
    bool write_piece(std::string_view) override { return true; }
    void end_stream(bool is_complete) override { state = is_complete ? 'c' : 'a'; }

    char state = 'w';  // waits, streams, over, complete, aborted
    unsigned status = 0;
};

}  // namespace

TEST_CASE("a request that nobody answers gets 500, and only the first answer counts") {
    const auto dropped = std::make_shared<Peer>();
    { const Responder responder(dropped); }
    CHECK(dropped->status == 500);
    const auto peer = std::make_shared<Peer>();
    Responder responder(peer);
    Responder moved = std::move(responder);
    moved.answer({.status = 204});
    moved.answer({.status = 200});
    CHECK(peer->status == 204);
    CHECK_FALSE(moved.is_open());
}

TEST_CASE("an answer to a peer that has gone has no effect") {
    auto peer = std::make_shared<Peer>();
    Responder responder(peer);
    peer.reset();
    CHECK_FALSE(responder.is_open());
    responder.answer({});
    HttpStream stream = Responder(std::weak_ptr<HttpExchange>()).stream({});
    CHECK_FALSE(stream.is_open());
    CHECK_FALSE(stream.write("x"));
    CHECK(stream.room() == 0);
}

TEST_CASE("a stream ends with its object, or is aborted") {
    const auto peer = std::make_shared<Peer>();
    {
        HttpStream stream = Responder(peer).stream({});
        CHECK(stream.write("x"));
        CHECK(stream.room() == 10);
    }
    CHECK(peer->state == 'c');
    const auto other = std::make_shared<Peer>();
    Responder(other).stream({}).abort();
    CHECK(other->state == 'a');
}

}  // namespace ledge::transport
