#include "retained.hpp"

#include <memory>
#include <string>
#include <vector>

#include "ledge/broker/options.hpp"
#include "ledge/session/core_services.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

journal::PublicationView message(std::string_view topic, std::string_view payload, Instant expires_at = never) {
    return {topic, as_bytes(payload), {}, expires_at, qos1, true};
}

// The store of a broker without a journal.
struct Store : Retained {
    explicit Store(const RetainedLimits& limits = {}) : Store(std::make_unique<Parts>(), limits) {}

    // As the router does it.
    bool keep(const journal::PublicationView& publication) {
        if (!has_room_for(publication)) return false;
        CHECK(store(journal::Publication(publication), publication, journal::Durability::durable) == no_ticket);
        return true;
    }
    std::string kept(std::string_view topic, Instant now = start) {
        const auto id = find(topic);
        const journal::Publication publication = id ? load(*id, latest(), now) : journal::Publication();
        return publication ? std::string(as_text(publication.view().payload)) : "nothing";
    }

private:
    struct Parts {
        Log log;
        session::CoreServices services{log, {}, 1, start};
    };
    Store(std::unique_ptr<Parts> parts, const RetainedLimits& limits)
        : Retained({.memory = parts->services.memory,
                    .accounts = parts->services.accounts,
                    .policy = parts->services.policy,
                    .journal = parts->services.journal,
                    .store = parts->services.store},
                   1, limits),
          parts_(std::move(parts)) {}
    std::unique_ptr<Parts> parts_;
};

TEST_CASE("[MQTT-3.3.1-5] [MQTT-3.3.1-6] at most one per topic, an empty payload removes it") {
    Store store;
    CHECK(store.keep(message("a", "1")));
    CHECK(store.keep(message("a", "two")));
    CHECK(store.keep(message("b", "3")));
    CHECK(store.kept("a") == "two");
    CHECK(store.size() == 2);
    CHECK(store.bytes() == 6);
    CHECK(store.keep(message("a", "")));
    CHECK(store.keep(message("never/was", "")));
    CHECK(store.kept("a") == "nothing");
    CHECK(store.size() == 1);
    CHECK(store.bytes() == 2);
    CHECK_FALSE(store.load(topic::TopicId{99}, store.latest(), start));
}

TEST_CASE("what came after a moment is not there for who asks as of that moment") {
    Store store;
    store.keep(message("a", "1"));
    const std::uint64_t before = store.latest();
    store.keep(message("b", "2"));
    CHECK(store.load(*store.find("a"), before, start));
    CHECK_FALSE(store.load(*store.find("b"), before, start));
    store.keep(message("a", "3"));
    CHECK_FALSE(store.load(*store.find("a"), before, start));
    CHECK(store.load(*store.find("a"), store.latest(), start));
}

TEST_CASE("at messages_max a new topic is refused, an old one may change or go") {
    Store store({.messages_max = 2, .bytes_max = 1000});
    CHECK(store.keep(message("a", "1")));
    CHECK(store.keep(message("b", "1")));
    CHECK_FALSE(store.keep(message("c", "1")));
    CHECK(store.keep(message("c", "")));  // nothing to remove is not refused
    CHECK(store.keep(message("b", "22")));
    CHECK(store.keep(message("a", "")));
    CHECK(store.keep(message("c", "1")));
    CHECK(store.size() == 2);
}

TEST_CASE("bytes_max counts topics, properties and payloads; what replaces counts by the difference") {
    Store store({.messages_max = 100, .bytes_max = 20});
    CHECK(store.keep(message("a", "123456789")));  // 10
    CHECK(store.keep(message("b", "123456789")));
    CHECK_FALSE(store.keep(message("c", "1")));
    CHECK_FALSE(store.keep(message("a", "1234567890")));
    CHECK(store.kept("a") == "123456789");  // nothing has changed
    CHECK(store.keep(message("a", "987654321")));
    CHECK(store.keep(message("a", "1")));
    CHECK(store.keep(message("c", "1234567")));
    CHECK(store.bytes() == 20);
    for (const char* topic : {"a", "b", "c"}) store.keep(message(topic, ""));
    CHECK(store.bytes() == 0);
}

TEST_CASE("$SYS is neither limited nor counted, other topics with '$' are") {
    Store store({.messages_max = 1, .bytes_max = 10});
    for (int i = 0; i < 60; ++i) CHECK(store.keep(message("$SYS/" + std::to_string(i), "a long value")));
    CHECK(store.keep(message("a", "1")));
    CHECK_FALSE(store.keep(message("$other", "1")));
    CHECK_FALSE(store.keep(message("$SYSTEM", "1")));
    CHECK(store.keep(message("a", "")));
    CHECK(store.keep(message("$other", "1")));
    CHECK(store.size() == 61);
}

TEST_CASE("[MQTT-3.3.2-5] an expired message is not found, and swept away") {
    Store store;
    CHECK_FALSE(store.has_expiring());
    store.keep(message("a", "1", start + 10s));
    store.keep(message("b", "1", start + 20s));
    store.keep(message("c", "1"));
    CHECK(store.has_expiring());
    CHECK(store.kept("a", start + 10s - 1us) == "1");
    CHECK(store.kept("a", start + 10s) == "nothing");
    CHECK(store.size() == 3);
    store.sweep(start + 10s);
    CHECK(store.size() == 2);
    CHECK(store.bytes() == 4);
    CHECK(store.has_expiring());
    CHECK(store.keep(message("b", "2")));  // lives for ever now
    store.sweep(start + 30s);
    CHECK(store.kept("b", start + 30s) == "2");
    CHECK_FALSE(store.has_expiring());
    CHECK(store.size() == 2);
}

TEST_CASE("the shard sweeps on its own, and a store that is full of expired messages has room again") {
    ShardOptions options = plain_options();
    options.retained.messages_max = 3;
    Rig rig(options);
    rig["p"].connects();
    wire::PropertyBuilder expiry;
    expiry.number(PropertyId::message_expiry_interval, 5);
    for (const char* topic : {"a", "b", "c"}) rig["p"].publishes(topic, "x", qos0, true, expiry);
    CHECK(rig["p"].publishes("d", "x", qos1, true) == "quota_exceeded");
    CHECK(rig.counters().retained_refused == 1);
    CHECK(rig.metrics().retained_messages == 3);
    rig.passes(60s);
    CHECK(rig.metrics().retained_messages == 0);
    CHECK(rig.metrics().retained_bytes == 0);
    CHECK(rig["p"].publishes("d", "x", qos1, true) != "quota_exceeded");
}

TEST_CASE("a full store: v5 is told and 3.x, which cannot be told, is closed; nobody gets it, but QoS 0 is delivered") {
    ShardOptions options = plain_options();
    options.retained.messages_max = 1;
    Rig rig(options);
    rig["s"].connects().subscribes("#");
    rig["p"].connects().publishes("a", "1", qos0, true);
    CHECK(rig["p"].publishes("b", "2", qos1, true) == "quota_exceeded");
    CHECK(rig["s"].takes() == "PUBLISH a 1");
    rig["p"].publishes("b", "3", qos0, true);
    rig["old"].connects({.version = v311});
    CHECK(rig["old"].publishes("b", "4", qos1, true) == "closed");
    CHECK_FALSE(rig["old"].is_open());
    CHECK(rig["s"].takes() == "PUBLISH b 3");
    CHECK(rig.metrics().retained_messages == 1);
    CHECK(rig.counters().retained_refused == 3);
    CHECK(rig.log.count("retained_refused") == 1);
    rig["p"].publishes("a", "", qos0, true);
    rig["old"].connects({.version = v311});
    CHECK(rig["old"].publishes("b", "5", qos1, true) == "success");
    CHECK(rig.metrics().retained_messages == 1);
}

TEST_CASE("[MQTT-3.3.1-9] the remaining lifetime is told, and what has expired is not sent") {
    Rig rig;
    rig["p"].connects();
    wire::PropertyBuilder expiry;
    expiry.number(PropertyId::message_expiry_interval, 10);
    rig["p"].publishes("a", "x", qos1, true, expiry);
    rig.passes(4s);
    CHECK(rig["s"].connects().subscribes("a", qos1).takes() == "PUBLISH a x q1#1 retain {02=6}");
    rig.passes(6s);
    CHECK(rig["t"].connects().subscribes("a", qos1).takes().empty());
}

}  // namespace
}  // namespace ledge::broker
