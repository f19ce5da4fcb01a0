// --print-config, the files in config/, and what a reload would change.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "helpers.hpp"
#include "options.hpp"

using namespace ledge;
using namespace ledge::config;
using Keys = std::vector<std::string>;

namespace {

std::string file_text(const std::string& name) {
    std::ifstream file(std::string(LEDGE_CONFIG_FOLDER) + "/" + name, std::ios::binary);
    REQUIRE(file.good());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void check_round_trip(const Loaded& loaded) {
    REQUIRE(loaded.ok());
    const std::string printed = print(loaded.config);
    const Loaded again = load_text(printed);
    CHECK(lines_of(again) == std::vector<std::string>{});
    CHECK(differences(loaded.config, again.config) == Keys{});
    CHECK(print(again.config) == printed);
}

}  // namespace

TEST_CASE("what is printed parses back to the same") {
    check_round_trip(load({}));
    check_round_trip(
        load_text("[listeners.lan]\nurl = 'mqtt://0.0.0.0'\n[listeners.lan.limits]\ninflight_max = 7\n"
                  "overflow = 'refuse'\n[listeners.a-1]\nurl = 'unix:/run/q\"uo\\te.sock'\nallow_anonymous = false\n"
                  "[limits]\nqueue_bytes_max = '5 MiB'\nconnect_timeout_s = 3\nmaximum_qos = 1\n"
                  "[sys]\ninterval_s = 0\n[log]\nformat = 'json'\n[store]\npath = '/s'\ncommit_delay_ms = 7\n"
                  "[[store.levels]]\nfilter = 'a/\"/#'\nlevel = 'ram'\n[[store.levels]]\nfilter = '+'\nlevel = "
                  "'relaxed'\n"));
    check_round_trip(
        load_text("[listeners.a]\nurl = 'ws://0.0.0.0:8080/a'\nproxy_protocol = true\nproxy_from = ['10.0.0.0/8']\n"
                  "[listeners.a.websocket]\norigins = ['https://a', 'http://b']\nping_interval_s = 30\n"
                  "[listeners.b]\nurl = 'ws://127.0.0.1:8081'\n[listeners.b.websocket]\ncompression = true\n"
                  "[listeners.b.limits]\ninflight_max = 7\n[admin]\nurl = 'http://127.0.0.1:9883'\n"));
    Sources sources;
    sources.listen = {"unix:/x", "mqtt://[::1]:0"};
    sources.allow_anonymous = true;
    check_round_trip(load(sources));
}

TEST_CASE("config/ledgemq.toml is the documented default configuration") {
    // To write it anew after a change of the table: ledgemq --print-config > config/ledgemq.toml
    CHECK(file_text("ledgemq.toml") == print(load({}).config));
    const Loaded loaded = load_text(file_text("ledgemq.toml"));
    CHECK(lines_of(loaded) == std::vector<std::string>{});
    CHECK(differences(load({}).config, loaded.config) == Keys{});
}

TEST_CASE("config/ledgemq.toml documents every option with default, unit and range") {
    const std::string text = file_text("ledgemq.toml");
    for (const Option& option : options()) {
        INFO(option.key());
        const std::size_t line = text.find("\n" + std::string(option.name) + " = ");
        REQUIRE(line != std::string::npos);
        std::size_t start = line;  // of the comment above
        while (start > 0 && text[text.rfind('\n', start - 1) + 1] == '#') start = text.rfind('\n', start - 1);
        const std::string comment = text.substr(start, line - start);
        CHECK(comment.find("Default:") != std::string::npos);
        if (!option.unit.empty()) CHECK(comment.find(" " + std::string(option.unit)) != std::string::npos);
        for (const std::string_view choice : option.choices) CHECK(comment.find(choice) != std::string::npos);
        if (option.type == Type::integer) CHECK(comment.find(std::to_string(option.largest)) != std::string::npos);
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 120);
}

TEST_CASE("the other files of config/ are accepted without a word") {
    std::size_t bridges = 0;
    std::size_t sensors = 0;
    for (const auto& entry : std::filesystem::directory_iterator(LEDGE_CONFIG_FOLDER)) {
        const std::string name = entry.path().filename().string();
        // devices.toml is a file of devices (devices_file_test.cpp).
        if (entry.path().extension() != ".toml" || name == "ledgemq.toml" || name == "devices.toml") continue;
        CAPTURE(name);
        const Loaded loaded = load_text(file_text(name));  // without the files of TLS and passwords that it names
        CHECK(lines_of(loaded) == std::vector<std::string>{});
        for (const std::string& note : loaded.notes) CHECK(note.find("bridge") == std::string::npos);
        CHECK(loaded.config.store.is_used());
        const bool is_example_of_bridge = name.starts_with("bridge-");
        CHECK(loaded.config.bridges.empty() != is_example_of_bridge);
        bridges += is_example_of_bridge ? 1U : 0U;
        sensors +=
            std::ranges::any_of(loaded.config.sockets, [](const auto& s) { return s.endpoint.is_for_devices(); });
    }
    CHECK(bridges == 8);
    CHECK(sensors == 3);
}

TEST_CASE("differences name the keys, also of listeners that came or went") {
    const Config before = load_text("[listeners.a]\nurl = 'unix:/a'\n[listeners.b]\nurl = 'unix:/b'\n").config;
    const Config after = load_text(
                             "[listeners.a]\nurl = 'unix:/a2'\n[listeners.b]\nurl = 'unix:/b'\nconnections_max = 2\n"
                             "[log]\nlevel = 'debug'\n")
                             .config;
    CHECK(differences(before, before) == Keys{});
    CHECK(differences(before, after) == Keys{"listeners.a.url", "listeners.b.connections_max", "log.level"});
    const Config less = load_text("[listeners.a]\nurl = 'unix:/a'\n").config;
    const Keys gone = differences(before, less);
    CHECK(std::find(gone.begin(), gone.end(), "listeners.b.url") != gone.end());
    CHECK(std::find(gone.begin(), gone.end(), "listeners.a.url") == gone.end());
    CHECK(differences(less, before) == gone);
}
