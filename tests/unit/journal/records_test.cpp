// Record bodies: what goes in comes out, and no bytes from a damaged store do harm.
#include "ledge/journal/records.hpp"
#include "ledge/auth/acl.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/journal/out_state.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "ledge/base/rng.hpp"
#include "ledge/journal/publication_source.hpp"

namespace ledge::journal {
namespace {

using wire::QoS;

PublicationView sample(Bytes properties) {
    return {"a/b", as_bytes("payload"), properties, Instant{} + 5s, QoS::exactly_once, true};
}

std::vector<Byte> bytes_of(const PublicationView& publication) {
    std::vector<Byte> out;
    append_publication(publication, out);
    return out;
}
std::vector<Byte> bytes_of(const Blob& blob) { return {blob.bytes().begin(), blob.bytes().end()}; }

constexpr std::size_t progress_size = 26;  // the last part of a session record

SessionRecord session_with_will() {
    SessionRecord record;
    record.client_id = "meter";
    record.expiry_interval_s = 3600;
    record.expires_at = Instant{} + 77s;
    StoredWill will;
    will.publication = Publication(sample({}));
    will.delay_s = 9;
    will.has_expiry = true;
    will.expiry_interval_s = 4;
    will.keep_alive_s = 60;
    record.will_due = Instant{} + 99s;
    record.is_will_only = true;
    record.will = std::move(will);
    record.owner = "alice";
    record.progress = {QueueRow(7), QueueRow(8), QueueRow(9), 10};
    return record;
}

/// Every record of this test, by its parser; `parse` says whether it took the bytes.
struct Sample {
    const char* name;
    std::vector<Byte> bytes;
    bool (*parse)(Bytes);
};
std::vector<Sample> samples() {
    const QueuedRecord queued{MessageNumber(1),    2, 3, 4, OutState::sent_qos2, QoS::exactly_once, true,
                              as_bytes("\x0B\x07")};
    return {
        {"publication", bytes_of(sample(as_bytes("\x01\x01"))),
         [](Bytes b) { return parse_publication(b).has_value(); }},
        {"queued", bytes_of(encode(queued)), [](Bytes b) { return parse_queued(b).has_value(); }},
        {"subscription", bytes_of(encode(SubscriptionRecord{{QoS::at_least_once}, 5, "a/+"})),
         [](Bytes b) { return parse_subscription(b).has_value(); }},
        {"session", bytes_of(encode(session_with_will())), [](Bytes b) { return parse_session(b).has_value(); }},
    };
}

TEST_CASE("a publication comes back as it was") {
    wire::PropertyBuilder properties;
    properties.user("k", "v");
    const std::vector<Byte> body = bytes_of(sample(properties.view().raw()));
    const auto read = parse_publication(body);
    REQUIRE(read);
    CHECK(read->topic == "a/b");
    CHECK(as_text(read->payload) == "payload");
    CHECK(as_text(read->properties) == as_text(properties.view().raw()));
    CHECK(read->expires_at == Instant{} + 5s);
    CHECK(read->qos == QoS::exactly_once);
    CHECK(read->retain);
    CHECK(parse_publication(bytes_of({"a", {}, {}, never, QoS::at_most_once, false}))->expires_at == never);
}

TEST_CASE("a publication comes back with its source, and without when it had none") {
    std::vector<Byte> scratch;
    for (const std::optional<std::string_view> user : {std::optional<std::string_view>("alice"), {""}, {}}) {
        PublicationView publication = sample({});
        publication.source = PublicationSource{user, "meter"}.encode(scratch);
        const std::vector<Byte> body = bytes_of(Publication(publication).view());
        const auto read = parse_publication(body);
        REQUIRE(read);
        CHECK(as_text(read->payload) == "payload");
        CHECK(read->qos == QoS::exactly_once);
        CHECK(read->retain);
        const auto source = PublicationSource::parse(read->source);
        REQUIRE(source);
        CHECK(source->user == user);
        CHECK(source->client_id == "meter");
    }
    const std::vector<Byte> body = bytes_of(sample({}));
    CHECK(parse_publication(body)->source.empty());
}

TEST_CASE("names that are too long for a source make one that may publish nothing") {
    std::vector<Byte> scratch;
    const std::string name(PublicationSource::bytes_max, 'u');
    const Bytes source = PublicationSource{name, "c"}.encode(scratch);
    CHECK_FALSE(PublicationSource::parse(source));
    const auto acl = auth::Acl::parse("pattern write #\n", "acl");
    REQUIRE(acl);
    CHECK_FALSE(may_still_publish(*acl, source, "a"));
    CHECK(may_still_publish(std::nullopt, source, "a"));
    CHECK(may_still_publish(*acl, {}, "a"));
    CHECK(may_still_publish(*acl, PublicationSource{"u", "c"}.encode(scratch), "a"));
}

TEST_CASE("a queued record comes back as it was, in each state") {
    for (const OutState state : {OutState::done, OutState::sent_qos1, OutState::sent_qos2, OutState::released}) {
        const auto packet_id = static_cast<wire::PacketId>(state == OutState::done ? 0 : 65'535);
        const bool is_of_qos2 = state == OutState::sent_qos2 || state == OutState::released;
        const QoS qos = is_of_qos2 ? QoS::exactly_once : QoS::at_least_once;
        const QueuedRecord record{MessageNumber(1ULL << 40U), 77, 3, packet_id, state, qos, false,
                                  as_bytes("\x0B\x07")};
        const std::vector<Byte> body = bytes_of(encode(record));
        const auto read = parse_queued(body);
        REQUIRE(read);
        CHECK(read->message == MessageNumber(1ULL << 40U));
        CHECK(read->bytes == 77);
        CHECK(read->share_subscription == 3);
        CHECK(read->packet_id == packet_id);
        CHECK(read->state == state);
        CHECK(read->qos == qos);
        CHECK_FALSE(read->retain);
        CHECK(as_text(read->ids) == "\x0B\x07");
        CHECK_FALSE(read->is_live);
    }
}

TEST_CASE("a queued record whose state does not fit its QoS is refused, and so is one of QoS 0") {
    using enum OutState;
    const auto is_accepted = [](OutState state, QoS qos) {
        const wire::PacketId id = state == done ? 0 : 7;
        return parse_queued(bytes_of(encode(QueuedRecord{MessageNumber(1), 2, 0, id, state, qos, false, {}})))
            .has_value();
    };
    for (const OutState state : {done, sent_qos1, sent_qos2, released})
        CHECK_FALSE(is_accepted(state, QoS::at_most_once));
    CHECK(is_accepted(done, QoS::at_least_once));
    CHECK(is_accepted(done, QoS::exactly_once));
    CHECK(is_accepted(sent_qos1, QoS::at_least_once));
    CHECK_FALSE(is_accepted(sent_qos1, QoS::exactly_once));
    CHECK(is_accepted(sent_qos2, QoS::exactly_once));
    CHECK_FALSE(is_accepted(sent_qos2, QoS::at_least_once));
    CHECK(is_accepted(released, QoS::exactly_once));
    CHECK_FALSE(is_accepted(released, QoS::at_least_once));
}

TEST_CASE("a queued record may say when the message was queued, and has one form for each content") {
    const QueuedRecord plain{MessageNumber(1), 2, 0, 0, OutState::done, QoS::at_least_once, false, {}};
    QueuedRecord stamped = plain;
    stamped.queued_s = 77;
    const std::vector<Byte> body = bytes_of(encode(stamped));
    CHECK(body.size() == bytes_of(encode(plain)).size() + 4);
    REQUIRE(parse_queued(body));
    CHECK(parse_queued(body)->queued_s == 77);
    CHECK(parse_queued(bytes_of(encode(plain)))->queued_s == 0);
    std::vector<Byte> zero = bytes_of(encode(plain));
    zero.insert(zero.end(), 4, Byte{0});
    CHECK_FALSE(parse_queued(zero));
}

TEST_CASE("a queued record of a release that noted no time is read as it always was") {
    const std::vector<Byte> body{0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 77, 0, 0, 0, 3, 0, 5, 2, 6, 2, 0x0B, 7};
    const auto read = parse_queued(body);
    REQUIRE(read);
    CHECK(read->message == MessageNumber(9));
    CHECK(read->bytes == 77);
    CHECK(read->share_subscription == 3);
    CHECK(read->packet_id == 5);
    CHECK(read->state == OutState::sent_qos2);
    CHECK(read->qos == QoS::exactly_once);
    CHECK(read->retain);
    CHECK(as_text(read->ids) == "\x0B\x07");
    CHECK(read->queued_s == 0);
    CHECK(bytes_of(encode(*read)) == body);  // a queue without rules writes the same bytes still
}

TEST_CASE("a queued record says whether its client was connected") {
    const std::vector<Byte> body =
        bytes_of(encode(QueuedRecord{MessageNumber(1), 2, 0, 0, OutState::done, QoS::exactly_once, true, {}, true}));
    const auto read = parse_queued(body);
    REQUIRE(read);
    CHECK(read->is_live);
    CHECK(read->retain);
    CHECK(read->qos == QoS::exactly_once);
}

TEST_CASE("a session record of an older release says nothing of what was sent: all of it may have been") {
    std::vector<Byte> body = bytes_of(encode(SessionRecord{"x", 1, never, false, std::nullopt}));
    body.resize(body.size() - progress_size);
    const auto read = parse_session(body);
    REQUIRE(read);
    CHECK(read->progress.doubted_until == SendingProgress::unknown);
    CHECK(read->progress.sent_until == no_row);
}

TEST_CASE("a subscription comes back as it was, with each combination of options") {
    for (unsigned bits = 0; bits < 36; ++bits) {
        const wire::SubscribeOptions options{static_cast<QoS>(bits % 3), (bits / 3) % 2 == 1, (bits / 6) % 2 == 1,
                                             static_cast<wire::RetainHandling>(bits / 12)};
        const std::vector<Byte> body = bytes_of(encode(SubscriptionRecord{options, 268'435'455, "$share/g/a/#"}));
        const auto read = parse_subscription(body);
        REQUIRE(read);
        CHECK(read->options.qos == options.qos);
        CHECK(read->options.no_local == options.no_local);
        CHECK(read->options.retain_as_published == options.retain_as_published);
        CHECK(read->options.retain_handling == options.retain_handling);
        CHECK(read->subscription_id == 268'435'455);
        CHECK(read->filter == "$share/g/a/#");
    }
}

TEST_CASE("a session comes back as it was, with its will and without") {
    const std::vector<Byte> body = bytes_of(encode(session_with_will()));
    const auto read = parse_session(body);
    REQUIRE(read);
    CHECK(read->client_id == "meter");
    CHECK(read->expiry_interval_s == 3600);
    CHECK(read->expires_at == Instant{} + 77s);
    CHECK_FALSE(read->is_ended);
    CHECK(read->owner == "alice");
    CHECK(read->progress.sent_until == QueueRow(7));
    CHECK(read->progress.doubted_until == QueueRow(8));
    CHECK(read->progress.known_until == QueueRow(9));
    CHECK(read->progress.id_shift == 10);
    REQUIRE(read->will);
    CHECK(read->will->publication.view().topic == "a/b");
    CHECK(read->will->delay_s == 9);
    CHECK(read->will->has_expiry);
    CHECK(read->will->expiry_interval_s == 4);
    CHECK(read->will->keep_alive_s == 60);
    CHECK(read->will_due == Instant{} + 99s);
    CHECK(read->is_will_only);

    const std::vector<Byte> bare = bytes_of(encode(SessionRecord{"x", 1, never, true, std::nullopt}));
    const auto ended = parse_session(bare);
    REQUIRE(ended);
    CHECK(ended->is_ended);
    CHECK(ended->owner.empty());
    CHECK_FALSE(ended->will);
    CHECK(ended->network == NetworkId::none);
}

TEST_CASE("a session comes back with the network of its client; the record of an earlier broker has none") {
    SessionRecord record = session_with_will();
    record.owner = {};
    record.network = network_of("192.0.2.7:1");
    const std::vector<Byte> body = bytes_of(encode(record));
    CHECK(parse_session(body)->network == network_of("192.0.2.7:1"));
    const auto earlier = parse_session(Bytes(body).first(body.size() - progress_size - 8));
    REQUIRE(earlier);
    CHECK(earlier->network == NetworkId::none);
    CHECK(earlier->will->delay_s == 9);
    for (std::size_t cut = 1; cut < progress_size; ++cut)
        CHECK_FALSE(parse_session(Bytes(body).first(body.size() - cut)));
}

TEST_CASE("a will that schema 1 has written has no keep alive, and was never due") {
    // session := "x" expiry 1 expires_at 0 flags(will); will := delay 2 no expiry; publication := QoS 1 "t" "gone"
    const std::string old = std::string("\0\1x\0\0\0\1", 7) + std::string(8, '\0') + "\2" +
                            std::string("\0\0\0\35", 4) + std::string("\0\0\0\2\0\0\0\0\0", 9) + std::string(8, '\0') +
                            std::string("\1\0\1t\0\0\0\0gone", 12);
    const auto read = parse_session(as_bytes(old));
    REQUIRE(read);
    REQUIRE(read->will);
    CHECK(read->will->delay_s == 2);
    CHECK(read->will->keep_alive_s == 0);
    CHECK(read->will_due == never);
    CHECK_FALSE(read->is_will_only);
    CHECK(as_text(read->will->publication.view().payload) == "gone");
}

TEST_CASE("the parts of fixed size are missed when they are cut off") {
    for (const Sample& sample : samples()) {
        INFO(std::string(sample.name));
        CHECK(sample.parse(sample.bytes));
        CHECK_FALSE(sample.parse({}));
        for (std::size_t size = 0; size < std::min<std::size_t>(13, sample.bytes.size()); ++size)
            CHECK_FALSE(sample.parse(Bytes(sample.bytes).first(size)));
    }
}

TEST_CASE("values that no broker writes are refused") {
    const QueuedRecord queued{MessageNumber(1), 2, 3, 0, OutState::done, QoS::at_least_once, false, {}};
    std::vector<Byte> body = bytes_of(encode(queued));
    REQUIRE(parse_queued(body));
    body[18] = 4;  // state
    CHECK_FALSE(parse_queued(body));
    body[18] = 0;
    body[19] = 3;  // QoS
    CHECK_FALSE(parse_queued(body));
    body[19] = 16;
    CHECK_FALSE(parse_queued(body));
    body = bytes_of(encode(SubscriptionRecord{{}, 0, "a"}));
    for (const int options : {0x03, 0x30, 0x40}) {
        body[0] = static_cast<Byte>(options);
        CHECK_FALSE(parse_subscription(body));
    }
    body = bytes_of(encode(SubscriptionRecord{{}, 0, "a"}));
    body.push_back(0);
    CHECK_FALSE(parse_subscription(body));
}

TEST_CASE("records that are well-formed but could not be used are refused") {
    const auto publication = [](std::string_view topic, std::string_view properties, Instant expires_at) {
        const auto body = bytes_of({topic, {}, as_bytes(properties), expires_at, QoS::at_least_once, false});
        return parse_publication(body).has_value();
    };
    CHECK(publication("a/b", "", never));
    CHECK_FALSE(publication("", "", never));
    CHECK_FALSE(publication("a/+", "", never));
    CHECK_FALSE(publication("a/#", "", never));
    CHECK_FALSE(publication("a\xFF", "", never));
    CHECK_FALSE(publication(std::string(200, '/'), "", never));
    CHECK_FALSE(publication("a", "", Instant{} - 1us));
    CHECK(publication("a", std::string_view("\x01\x00", 2), never));
    CHECK_FALSE(publication("a", "\x01\x02", never));              // a value that is not allowed
    CHECK_FALSE(publication("a", "\x7F\x02", never));              // no such property
    CHECK_FALSE(publication("a", "\x0B\x02", never));              // travels with the queued record
    CHECK_FALSE(publication("a", "\x02\x01\x01\x01\x01", never));  // expires_at says this

    const auto queued = [](std::uint64_t message, wire::PacketId id, OutState state, std::string_view ids) {
        const auto body = bytes_of(
            encode(QueuedRecord{MessageNumber(message), 2, 0, id, state, QoS::exactly_once, false, as_bytes(ids)}));
        return parse_queued(body).has_value();
    };
    CHECK(queued(1, 0, OutState::done, ""));
    CHECK(queued(1, 5, OutState::released, "\x0B\x01\x0B\x02"));
    CHECK_FALSE(queued(0, 0, OutState::done, ""));          // no message
    CHECK_FALSE(queued(1, 0, OutState::sent_qos2, ""));     // in flight without a packet id
    CHECK_FALSE(queued(1, 5, OutState::done, ""));          // waiting with one
    CHECK_FALSE(queued(1, 0, OutState::done, "\x0B"));      // cut
    CHECK_FALSE(queued(1, 0, OutState::done, "\x01\x01"));  // another property
    CHECK_FALSE(queued(1, 0, OutState::done, "\x0B\x80\x80\x80\x80\x01"));

    const auto subscription = [](std::string_view filter, std::uint32_t id) {
        return parse_subscription(bytes_of(encode(SubscriptionRecord{{}, id, filter}))).has_value();
    };
    CHECK(subscription("a/+/#", 0));
    CHECK(subscription("$share/g/a", 268'435'455));
    CHECK_FALSE(subscription("a", 268'435'456));
    CHECK_FALSE(subscription("", 0));
    CHECK_FALSE(subscription("a#", 0));
    CHECK_FALSE(subscription("$share/g", 0));
    CHECK_FALSE(subscription("\xC3", 0));

    const auto session = [](std::string_view client_id, std::string_view owner, Instant expires_at) {
        SessionRecord record;
        record.client_id = client_id;
        record.owner = owner;
        record.expires_at = expires_at;
        return parse_session(bytes_of(encode(record))).has_value();
    };
    CHECK(session("meter", "", never));
    CHECK_FALSE(session("", "", never));
    CHECK_FALSE(session("\xFF", "", never));
    CHECK_FALSE(session("meter", "\xFF", never));
    CHECK_FALSE(session("meter", "", Instant::min()));
}

// No crash, no read out of bounds (the bytes lie alone at the end of their block), and views stay inside.
TEST_CASE("hostile bytes are refused or read, never more") {
    Rng rng(11);
    for (const Sample& sample : samples()) {
        for (int i = 0; i < 20'000; ++i) {
            std::vector<Byte> bytes = sample.bytes;
            bytes.resize(rng.below(bytes.size() + 20));
            for (std::uint64_t n = 1 + rng.below(4); n > 0 && !bytes.empty(); --n)
                bytes[rng.below(bytes.size())] = static_cast<Byte>(rng.next());
            const std::unique_ptr<Byte[]> exact(new Byte[bytes.size()]);
            std::copy(bytes.begin(), bytes.end(), exact.get());
            const Bytes view(exact.get(), bytes.size());
            sample.parse(view);
            if (const auto publication = parse_publication(view)) REQUIRE(publication->bytes() <= view.size());
        }
    }
}

}  // namespace
}  // namespace ledge::journal
