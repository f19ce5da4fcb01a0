// Rig: the server of firmware images between a folder of the disk and the real core, in virtual time, with devices that
// are clients in the same thread. Nothing sleeps.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "../inner/core.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/ota/ota_server.hpp"
#include "messages.hpp"

namespace ledge::ota {

using inner::core_now;
using inner::Guest;

class Folder {
public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ledgemq-ota-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    /// Replaces the file as a careful copy does it: under another name, then renamed.
    void has(const std::string& name, const std::string& text) const {
        std::ofstream(path / ".new", std::ios::binary) << text;
        std::filesystem::rename(path / ".new", path / name);
    }
    void overwrites(const std::string& name, const std::string& text) const {
        std::ofstream(path / name, std::ios::binary) << text;
    }
    void dates(const std::string& name, int age_s) const {
        const auto now = std::filesystem::file_time_type::clock::now();
        std::filesystem::last_write_time(path / name, now - std::chrono::seconds(age_s));
    }

    std::filesystem::path path;
};

/// Bytes that differ from each other and repeat late.
inline std::string firmware(std::size_t size, unsigned seed = 1) {
    std::string text(size, '\0');
    Rng rng(seed);
    for (char& c : text) c = static_cast<char>(rng.below(256));
    return text;
}

inline std::uint32_t id_of(const std::string& text) { return image_id_of(auth::sha256(as_bytes(text))); }

/// The bytes of a request.
inline std::string request(std::uint32_t image, std::uint32_t offset, unsigned bytes) {
    std::string text;
    for (const std::uint32_t number : {image, offset})
        for (const unsigned shift : {24U, 16U, 8U, 0U}) text += static_cast<char>(number >> shift);
    text += static_cast<char>(bytes >> 8U);
    text += static_cast<char>(bytes);
    return text;
}

inline std::string answer(std::uint32_t image, std::uint32_t offset, Status status, std::string_view data = {}) {
    std::string text = request(image, offset, 0).substr(0, 8);
    text += static_cast<char>(status);
    return text.append(data);
}

class Rig {
public:
    static constexpr std::uint32_t retained_max = 100;

    explicit Rig(OtaOptions options_ = {}, const broker::ShardOptions& core_options_ = core_options())
        : options(std::move(options_)), core(core_options_) {
        options.directory = folder.path;
        starts();
    }
    ~Rig() { server.reset(); }

    void starts() {
        server = std::make_unique<OtaServer>(options, runtime::LoopServices{io, core.shard, core.driver}, log);
        server->start(core_now);
    }
    /// Turns until nothing moves any more.
    void settles(std::initializer_list<Guest*> guests = {}) {
        bool is_moving = true;
        for (turns = 0; is_moving && turns < 10'000; ++turns) {
            core.begin();
            if (server->next_deadline() <= core_now) {
                server->on_time(core_now);
                CHECK(server->next_deadline() > core_now);
            }
            for (Guest* const guest : guests) guest->turn();
            server->turn(core_now);
            core.end();
            is_moving = server->wants_turn() || server->next_deadline() <= core_now;
            for (const Guest* const guest : guests)
                is_moving |= guest->client.wants_turn() || guest->client.has_input();
        }
        CHECK_FALSE(is_moving);
    }
    void passes(Duration duration, std::initializer_list<Guest*> guests = {}) {
        const Instant end = core_now + duration;
        settles(guests);
        while (core_now < end) {
            core_now = std::min(end, server->next_deadline());
            settles(guests);
        }
    }
    static broker::ShardOptions core_options() {
        broker::ShardOptions options = inner::core_options();
        options.retained.messages_max = retained_max;
        return options;
    }
    bool has_logged(std::string_view text) const {
        return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(text) != line.npos; });
    }

    Folder folder;
    OtaOptions options;
    std::vector<std::string> lines;
    Log log{LogLevel::info,
            [](void* context, const LogRecord& record) {
                std::string line(record.event);
                for (const LogField& field : record.fields) {
                    const auto* const text = std::get_if<std::string_view>(&field.value);
                    line.append(" ").append(field.key).append("=");
                    line += text != nullptr ? std::string(*text) : std::to_string(std::get<std::int64_t>(field.value));
                }
                static_cast<Rig*>(context)->lines.push_back(line);
            },
            this};
    boost::asio::io_context io{1};
    inner::Core core;
    std::unique_ptr<OtaServer> server;
    int turns = 0;  // of the last settles()
};

/// A device that hears its blocks.
struct Device : Guest {
    explicit Device(Rig& rig, const std::string& client_id = "dev1")
        : Guest(rig.core, client_id, {{"ota/block/" + client_id, {.qos = wire::QoS::at_least_once}}}),
          get_topic("ota/get/" + client_id) {}
    void asks(const std::string& bytes, wire::QoS qos = wire::QoS::at_least_once) { publishes(get_topic, bytes, qos); }
    /// The payloads that came since the last call.
    std::vector<std::string> takes() {
        std::vector<std::string> payloads;
        for (const std::string& one : std::exchange(got, {})) payloads.push_back(one.substr(one.find(' ') + 1));
        return payloads;
    }

    std::string get_topic;
};

}  // namespace ledge::ota
