#include "message_text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "ledge/base/base64.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/cli/console.hpp"

namespace ledge::cli {
namespace {

using wire::PropertyId;

/// Bytes as a member of JSON, in the way of the API: as text if they are UTF-8, in Base64 under another name otherwise.
void add_bytes(boost::json::object& object, const std::string& name, std::string_view bytes) {
    if (is_utf8(bytes))
        object[name] = bytes;
    else
        object[name + "_base64"] = encode_base64(as_bytes(bytes));
}

void add_properties(boost::json::object& object, const wire::Properties& properties) {
    const auto text = [&](const char* name, PropertyId id) {
        if (const auto value = properties.text(id)) object[name] = *value;
    };
    text("content_type", PropertyId::content_type);
    text("response_topic", PropertyId::response_topic);
    if (const auto data = properties.text(PropertyId::correlation_data))
        object["correlation_data_base64"] = encode_base64(as_bytes(*data));
    if (const auto expiry = properties.number(PropertyId::message_expiry_interval)) object["expires_in_s"] = *expiry;
    boost::json::array users;
    for (const wire::Property& property : properties) {
        if (property.id == PropertyId::user_property) users.push_back(boost::json::array{property.name, property.text});
    }
    if (!users.empty()) object["user_properties"] = std::move(users);
}

std::string json_of(const wire::Publish& message) {
    boost::json::object object;
    object["topic"] = message.topic;
    add_bytes(object, "payload", as_text(message.payload));
    object["qos"] = static_cast<int>(message.qos);
    object["retain"] = message.retain;
    add_properties(object, message.properties);
    return boost::json::serialize(object);
}

std::string hex_of(Bytes bytes) {
    std::string text;
    for (const Byte byte : bytes) append_hex(byte, 2, text);
    return text;
}

std::string line_of(const wire::Publish& message, SubscribeOptions::Format format) {
    const std::string topic(message.topic);
    switch (format) {
        case SubscribeOptions::Format::text: return topic + " " + std::string(as_text(message.payload));
        case SubscribeOptions::Format::json: return json_of(message);
        case SubscribeOptions::Format::hex: return topic + " " + hex_of(message.payload);
        case SubscribeOptions::Format::payload:
        case SubscribeOptions::Format::raw: break;
    }
    return std::string(as_text(message.payload));
}

}  // namespace

std::string text_of(const wire::Publish& message, SubscribeOptions::Format format, bool is_for_terminal) {
    std::string line = line_of(message, format);
    if (is_for_terminal) line = safe_for_terminal(line);
    if (format != SubscribeOptions::Format::raw) line += '\n';
    return line;
}

}  // namespace ledge::cli
