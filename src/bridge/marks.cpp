#include "ledge/bridge/marks.hpp"

#include <charconv>

namespace ledge::bridge {
namespace {

using wire::PropertyId;

constexpr std::string_view origin_name = "ledge-origin";
constexpr std::string_view hops_name = "ledge-hops";

std::uint32_t number_of(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

bool is_mark(const wire::Property& property) {
    return property.id == PropertyId::user_property && (property.name == origin_name || property.name == hops_name);
}

}  // namespace

Marks marks_of(const wire::Properties& properties) {
    Marks marks;
    if (!properties.has(PropertyId::user_property)) return marks;
    for (const wire::Property& property : properties) {
        if (!is_mark(property)) continue;
        if (property.name == origin_name)
            marks.origin = property.text;
        else
            marks.hops = number_of(property.text);
    }
    return marks;
}

void carry_properties(const wire::Properties& in, const Carried& how, wire::PropertyBuilder& out) {
    out.clear();
    const Marks marks = marks_of(in);
    for (auto property = in.begin(); property != in.end(); ++property) {
        const bool is_of_connection =
            property->id == PropertyId::topic_alias || property->id == PropertyId::subscription_identifier;
        if (is_of_connection || (how.is_marked && is_mark(*property))) continue;
        if (property->id == PropertyId::response_topic && !how.response_topic.empty()) {
            out.text(PropertyId::response_topic, how.response_topic);
            continue;
        }
        if (property->id == PropertyId::message_expiry_interval && how.waited_s > 0) {
            const std::uint32_t left = property->number > how.waited_s ? property->number - how.waited_s : 1;
            out.number(PropertyId::message_expiry_interval, left);
            continue;
        }
        out.raw(property.raw(), std::uint64_t{1} << static_cast<unsigned>(property->id));
    }
    if (!how.is_marked) return;
    out.user(origin_name, marks.origin.empty() ? how.own_id : marks.origin);
    // Saturates far above every limit of hops.
    out.user(hops_name, std::to_string(marks.hops < 1'000'000 ? marks.hops + 1 : marks.hops));
}

}  // namespace ledge::bridge
