#include "packet_text.hpp"

#include <doctest/doctest.h>

namespace ledge::mqttsn {

namespace {

std::string number(unsigned value) { return std::to_string(value); }

std::string id(MessageId value) { return " #" + number(value); }

std::string code_text(ReturnCode code) {
    static constexpr const char* names[] = {"", " congestion", " invalid_topic_id", " not_supported"};
    return names[static_cast<int>(code)];
}

std::string topic_text(TopicIdType type, TopicId topic) {
    if (type == TopicIdType::predefined) return " p" + number(topic);
    const auto name = short_name_of(topic);
    if (type == TopicIdType::short_name) return " '" + std::string(name.data(), name.size()) + "'";
    return " n" + number(topic);
}

struct TextOf {
    std::string operator()(const Advertise& m) const {
        return " " + number(m.gateway_id) + " " + number(m.duration_s) + "s";
    }
    std::string operator()(const Searchgw& m) const { return " " + number(m.radius); }
    std::string operator()(const Gwinfo& m) const {
        return " " + number(m.gateway_id) + std::string(as_text(m.address));
    }
    std::string operator()(const Connect& m) const {
        return " " + std::string(m.client_id) + " " + number(m.keep_alive_s) + "s" + (m.will ? " will" : "") +
               (m.clean_session ? " clean" : "");
    }
    std::string operator()(const Connack& m) const { return code_text(m.code); }
    std::string operator()(const Willtopicreq&) const { return ""; }
    std::string operator()(const Willtopic& m) const {
        if (m.topic.empty()) return " none";
        return " " + std::string(m.topic) + " q" + number(static_cast<unsigned>(m.qos)) + (m.retain ? " retain" : "");
    }
    std::string operator()(const Willmsgreq&) const { return ""; }
    std::string operator()(const Willmsg& m) const { return " " + std::string(as_text(m.message)); }
    std::string operator()(const Willresp& m) const { return code_text(m.code); }
    std::string operator()(const Register& m) const {
        return " " + number(m.topic_id) + id(m.message_id) + " " + std::string(m.topic);
    }
    std::string operator()(const Regack& m) const {
        return " " + number(m.topic_id) + id(m.message_id) + code_text(m.code);
    }
    std::string operator()(const Publish& m) const {
        std::string text = topic_text(m.type, m.topic_id) + " " + std::string(as_text(m.data));
        if (m.qos == QoS::without_connection) return text + " q-1";
        if (m.qos != QoS::at_most_once)
            text += " q" + number(static_cast<unsigned>(m.qos)) + "#" + number(m.message_id);
        return text + (m.dup ? " dup" : "") + (m.retain ? " retain" : "");
    }
    std::string operator()(const Puback& m) const {
        return " " + number(m.topic_id) + id(m.message_id) + code_text(m.code);
    }
    std::string operator()(const Answer& m) const { return id(m.message_id); }
    std::string operator()(const Subscribe& m) const {
        const bool is_name = m.type == TopicIdType::normal;
        return id(m.message_id) + (is_name ? " " + std::string(m.filter) : topic_text(m.type, m.topic_id)) + " q" +
               number(static_cast<unsigned>(m.qos)) + (m.dup ? " dup" : "");
    }
    std::string operator()(const Suback& m) const {
        return " " + number(m.topic_id) + id(m.message_id) + " q" + number(static_cast<unsigned>(m.qos)) +
               code_text(m.code);
    }
    std::string operator()(const Pingreq& m) const { return m.client_id.empty() ? "" : " " + std::string(m.client_id); }
    std::string operator()(const Pingresp&) const { return ""; }
    std::string operator()(const Disconnect& m) const { return m.duration_s ? " " + number(*m.duration_s) + "s" : ""; }
    std::string operator()(const Forward& m) const {
        return " " + std::string(as_text(m.node_id)) + " [" + text_of_packet(m.inner) + "]";
    }
};

}  // namespace

std::vector<Byte> encoded(const Message& message) {
    std::vector<Byte> bytes(encoded_size(message));
    wire::Writer out(bytes);
    encode(message, out);
    REQUIRE(out.written() == bytes.size());
    return bytes;
}

std::vector<Byte> bytes_of(std::string_view hex) {
    std::vector<Byte> bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 3)
        bytes.push_back(static_cast<Byte>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
    return bytes;
}

std::string hex_of(Bytes bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const Byte byte : bytes) {
        if (!text.empty()) text += ' ';
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

std::string text_of_message(const Message& message) {
    return std::string(name_of(type_of(message))) + std::visit(TextOf{}, message);
}

std::string text_of_packet(Bytes packet) {
    const auto message = decode(packet);
    if (!message.ok()) return "bad: " + std::string(text_of(message.error().rule));
    return text_of_message(*message);
}

void join(std::string& all, std::string_view one) {
    if (one.empty()) return;
    if (!all.empty()) all += " | ";
    all += one;
}

}  // namespace ledge::mqttsn
