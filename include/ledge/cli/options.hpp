// What the command line says about the clients `ledgemq pub` and `ledgemq sub`: plain values, which config fills.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::cli {

// The exit statuses of the commands. `ctl` uses the first two.
inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1;   // not connected, or the broker has refused something; the reason is told
inline constexpr int exit_usage = 2;     // the command line, or a file that it names, is wrong
inline constexpr int exit_timeout = 27;  // --timeout is over; mosquitto_sub has the same number

/// The address of a server.
struct ServerAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    bool is_tls = false;
    std::string path{};       // of WebSocket, or of HTTP; "" = none
    std::string unix_path{};  // the file of a Unix socket, instead of host and port; "" = TCP
};

struct TlsFileOptions {
    std::string ca_file;  // "" = the authorities of the system
    std::string certificate_file;
    std::string key_file;
    bool is_insecure = false;  // the server's certificate is not verified
};

struct WillChoice {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 0;
    bool is_retained = false;
    std::uint32_t delay_s = 0;
};

struct ConnectionOptions {
    ServerAddress server;
    TlsFileOptions tls;
    std::string client_id;  // "" = the server chooses one
    std::string user;       // "" = none
    std::string password_file;
    std::string password;  // of the command line, where every user of the machine can read it; "" = none
    bool is_v5 = true;     // false = 3.1.1
    std::uint16_t keep_alive_s = 60;
    bool is_clean = true;  // an earlier session is discarded
    std::uint32_t session_expiry_s = 0;
    std::optional<WillChoice> will;
    Duration timeout{};       // for the whole command; 0 = no limit
    bool is_verbose = false;  // the steps are told on standard error
};

struct PublishOptions {
    /// Where the payloads come from.
    enum class Source : std::uint8_t {
        text,   // `text` is the payload
        file,   // `file` is its name; "-" = standard input as a whole
        lines,  // each line of standard input is a message
        none,   // the payload is empty
    };
    ConnectionOptions connection;
    std::string topic;
    Source source = Source::none;
    std::string text;
    std::string file;
    std::uint8_t qos = 0;
    bool is_retained = false;
    std::uint64_t repeat = 1;
    Duration interval{};
    // Properties of the message, MQTT 5 only; "" and nullopt = none.
    std::string content_type;
    std::string response_topic;
    std::string correlation_data;
    std::vector<std::pair<std::string, std::string>> user_properties;
    std::optional<std::uint32_t> expiry_s;
};

struct SubscribeOptions {
    enum class Format : std::uint8_t {
        text,     // topic and payload in a line
        json,     // one object in a line, with all that is known about the message
        payload,  // the payload in a line
        hex,      // topic, and the payload in hexadecimal digits, in a line
        raw,      // the bytes of the payload and nothing else
    };
    ConnectionOptions connection;
    std::vector<std::string> filters;
    std::uint8_t qos = 0;
    Format format = Format::text;
    std::uint64_t count = 0;  // messages after which the command ends; 0 = no limit
    bool is_retained_only = false;
    bool skips_retained = false;
};

}  // namespace ledge::cli
