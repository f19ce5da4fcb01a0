#include "ledge/mqttsn/inner_session.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::mqttsn {

using client::Client;
using wire::ReasonCode;

void InnerSession::want(client::Options options, bool is_clean_start) {
    LEDGE_ASSERT(stage_ == Stage::closed);
    client_ = std::make_unique<Client>(std::move(options));
    is_clean_start_ = is_clean_start;
    stage_ = Stage::wanted;
}

void InnerSession::opened(Instant now) {
    LEDGE_ASSERT(wants_open());
    client_->connect(is_clean_start_, now);
    stage_ = Stage::greeting;
}

void InnerSession::end(bool with_will) {
    // The broker knows nothing of a link that was never opened.
    if (stage_ == Stage::wanted) return closed();
    if (stage_ != Stage::greeting && stage_ != Stage::up) return;
    client_->disconnect(with_will ? ReasonCode::disconnect_with_will : ReasonCode::success);
    stage_ = Stage::ending;
}

void InnerSession::sent(std::size_t count, Instant now) {
    if (!client_) return;
    client_->sent(count, now);
    client_->release_memory();  // most devices say nothing for minutes
}

void InnerSession::closed() {
    client_.reset();
    stage_ = Stage::closed;
}

client::Event InnerSession::next_event(Bytes& input, Instant now) { return note(client_->on_bytes(input, now)); }

client::Event InnerSession::next_event_of_time(Instant now) { return note(client_->on_time(now)); }

client::Event InnerSession::note(client::Event event) {
    if (std::holds_alternative<client::Connected>(event)) stage_ = Stage::up;
    if (std::holds_alternative<client::Ended>(event)) stage_ = Stage::ending;
    return event;
}

void InnerSession::drain(Bytes& input, Instant now) {
    while (stage_ >= Stage::greeting && !client::is_nothing(next_event(input, now))) {
    }
    input = {};
}

void InnerSession::on_time(Instant now) {
    while (next_deadline() <= now && !client::is_nothing(next_event_of_time(now))) {
    }
}

}  // namespace ledge::mqttsn
