#include "ledge/journal/publication.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ledge/wire/properties.hpp"

namespace ledge::journal {
namespace {

using wire::PropertyId;

constexpr wire::QoS qos1 = wire::QoS::at_least_once;
constexpr wire::QoS qos2 = wire::QoS::exactly_once;
constexpr Instant received{};

TEST_CASE("what goes into a publication comes out of it") {
    wire::PropertyBuilder properties;
    properties.text(PropertyId::content_type, "text/plain").user("k", "v");
    for (const std::string& topic : {std::string("t"), std::string(65'535, 't')}) {
        for (const std::string& payload : {std::string(), std::string("on"), std::string(100'000, '\0')}) {
            for (const bool retain : {false, true}) {
                const Bytes source = retain ? as_bytes("by whom") : Bytes{};
                const PublicationView in{topic, as_bytes(payload), properties.view().raw(), received + 7s, qos2, retain,
                                         source};
                const Publication publication(in);
                const PublicationView out = publication.view();
                CHECK(out.topic == topic);
                CHECK(as_text(out.payload) == payload);
                CHECK(as_text(out.properties) == as_text(properties.view().raw()));
                CHECK(out.expires_at == received + 7s);
                CHECK(publication.expires_at() == received + 7s);
                CHECK(out.qos == qos2);
                CHECK(out.retain == retain);
                CHECK(as_text(out.source) == as_text(source));
                CHECK(publication.bytes() == in.bytes());
                CHECK(publication.bytes() == topic.size() + payload.size() + properties.size());
                CHECK(out.topic.data() != topic.data());
            }
        }
    }
}

TEST_CASE("copies share one blob") {
    const Publication one({"a", as_bytes("b"), {}, never, qos1, false});
    const Publication other = one;
    CHECK(one.blob().references() == 2);
    CHECK(other.view().payload.data() == one.view().payload.data());
    CHECK_FALSE(Publication());
    CHECK(one);
}

}  // namespace
}  // namespace ledge::journal
