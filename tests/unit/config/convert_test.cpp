#include "convert.hpp"

#include <doctest/doctest.h>

#include "helpers.hpp"

using namespace ledge;
using namespace ledge::config;

TEST_CASE("sizes take a number or a text with a unit") {
    const auto bytes = [](const std::string& value) {
        const Loaded loaded = load_text("[limits]\nqueue_bytes_max = " + value + "\n");
        INFO(value);
        CHECK(lines_of(loaded) == std::vector<std::string>{});
        return loaded.config.limits.queue_bytes_max;
    };
    CHECK(bytes("5000") == 5000);
    CHECK(bytes("0x1_0000") == 65536);
    CHECK(bytes("\"5000\"") == 5000);
    CHECK(bytes("\"5000 B\"") == 5000);
    CHECK(bytes("\"4KiB\"") == 4096);
    CHECK(bytes("\"4 MiB\"") == 4194304);
    CHECK(bytes("\"2GiB\"") == 2147483648);
    CHECK(bytes("\"1TiB\"") == 1099511627776);
}

TEST_CASE("sizes in other units are refused, with the known ones") {
    for (const std::string value :
         {"\"4MB\"", "\"4 Mib\"", "\"MiB\"", "\"-4MiB\"", "\"4  MiB\"", "\"\"", "\"9999999999 GiB\""}) {
        INFO(value);
        CHECK(complaint_about("[limits]\nqueue_bytes_max = " + value) ==
              "test.toml:2: key 'limits.queue_bytes_max' must be a whole number of bytes or a size such as \"4 MiB\" "
              "(B, KiB, MiB, GiB, TiB), not the text " +
                  value);
    }
}

TEST_CASE("size texts are shown where they are short") {
    CHECK(size_text(0).empty());
    CHECK(size_text(1000).empty());
    CHECK(size_text(1024) == "1 KiB");
    CHECK(size_text(1536 * 1024) == "1536 KiB");
    CHECK(size_text(std::int64_t{1} << 50) == "1024 TiB");
}

TEST_CASE("durations take a number or a text with a unit") {
    const auto timeout = [](const std::string& value) {
        const Loaded loaded = load_text("[limits]\nconnect_timeout_s = " + value);
        CHECK(loaded.ok());
        return loaded.config.limits.connect_timeout;
    };
    CHECK(timeout("7") == 7s);
    CHECK(timeout("\"7s\"") == 7s);
    CHECK(timeout("\"2 min\"") == 120s);
    CHECK(timeout("\"1m\"") == 60s);
    CHECK(timeout("\"3000 ms\"") == 3s);
    CHECK(load_set({"limits.connect_timeout_s=1m"}).config.limits.connect_timeout == 60s);
    CHECK(load_set({"limits.session_expiry_max_s=2 d"}).config.limits.session_expiry_max_s == 172'800);
    CHECK(complaint_about("[limits]\nconnect_timeout_s = \"1500 ms\"") ==
          "test.toml:2: key 'limits.connect_timeout_s' is \"1500 ms\", but must be whole seconds; use 2");
    CHECK(complaint_about("[limits]\nconnect_timeout_s = \"1d\"").find("is out of range: 86400") != std::string::npos);
    CHECK(complaint_about("[limits]\nconnect_timeout_s = \"99999999999999999 d\"").find("must be a whole number") !=
          std::string::npos);
}

TEST_CASE("a value of a wrong type says what is wanted and what was found") {
    CHECK(complaint_about("[limits]\ninflight_max = true") ==
          "test.toml:2: key 'limits.inflight_max' must be a whole number of messages, not true");
    CHECK(complaint_about("[limits]\ninflight_max = 1.5") ==
          "test.toml:2: key 'limits.inflight_max' must be a whole number of messages, not a number with a fraction");
    CHECK(complaint_about("[limits]\ninflight_max = \"10\"") ==
          "test.toml:2: key 'limits.inflight_max' must be a whole number of messages, not the text \"10\"; write it "
          "without quotes");
    CHECK(complaint_about("[limits]\ninflight_max = [1, 2]") ==
          "test.toml:2: key 'limits.inflight_max' must be a whole number of messages, not a list");
    CHECK(complaint_about("[limits]\ninflight_max = 2026-11-22") ==
          "test.toml:2: key 'limits.inflight_max' must be a whole number of messages, not a date or time");
    CHECK(complaint_about("[limits]\ninflight_max = {}") ==
          "test.toml:2: key 'limits.inflight_max' must be a whole number of messages, not a table");
    CHECK(
        complaint_about("[limits]\nconnect_timeout_s = \"10 weeks\"") ==
        "test.toml:2: key 'limits.connect_timeout_s' must be a whole number of seconds or a duration such as \"5 min\" "
        "(ms, s, min, h, d), not the text \"10 weeks\"");
    CHECK(complaint_about("[limits]\nretain_available = 1") ==
          "test.toml:2: key 'limits.retain_available' must be true or false, not the number 1");
    CHECK(complaint_about("[log]\nlevel = 3") ==
          "test.toml:2: key 'log.level' must be one of debug, info, warning, error, not the number 3");
    CHECK(complaint_about("[broker]\nresponse_information_prefix = 3") ==
          "test.toml:2: key 'broker.response_information_prefix' must be a text in quotes, not the number 3");
}

TEST_CASE("a number out of range says the range and the fix") {
    CHECK(complaint_about("[limits]\ninflight_max = 70000") ==
          "test.toml:2: key 'limits.inflight_max' is out of range: 70000; allowed are 1 to 16384 messages; use 16384");
    CHECK(complaint_about("[limits]\ninflight_max = 0") ==
          "test.toml:2: key 'limits.inflight_max' is out of range: 0; allowed are 1 to 16384 messages; use 1");
    CHECK(complaint_about("[limits]\nqueue_bytes_max = \"2 TiB\"") ==
          "test.toml:2: key 'limits.queue_bytes_max' is out of range: 2199023255552; allowed are 0 to 1099511627776 "
          "bytes "
          "(1 TiB); use 1099511627776");
    CHECK(complaint_about("[limits]\nmaximum_qos = 3") ==
          "test.toml:2: key 'limits.maximum_qos' is out of range: 3; allowed are 0 to 2; use 2");
}

TEST_CASE("a wrong choice names the choices and the nearest one") {
    CHECK(
        complaint_about("[log]\nlevel = \"infoo\"") ==
        "test.toml:2: key 'log.level' must be one of debug, info, warning, error, not the text \"infoo\"; did you mean "
        "\"info\"?");
    CHECK(complaint_about("[log]\nlevel = \"x\"") ==
          "test.toml:2: key 'log.level' must be one of debug, info, warning, error, not the text \"x\"");
}

TEST_CASE("texts have no control characters and a bounded length") {
    const std::string key = "[broker]\nresponse_information_prefix = ";
    CHECK(complaint_about(key + "\"a\\nb\"") ==
          "test.toml:2: key 'broker.response_information_prefix' contains a control character: the text \"a\\u000ab\"");
    CHECK(complaint_about_set("broker.response_information_prefix=a\xC3") ==
          "--set broker.response_information_prefix: key 'broker.response_information_prefix' is not UTF-8");
    Sources sources;
    sources.set = {"broker.response_information_prefix=" + std::string(text_bytes_max + 1, 'p')};
    CHECK(
        complaint_about("", sources) ==
        "--set broker.response_information_prefix: key 'broker.response_information_prefix' is longer than 1024 bytes");
}

TEST_CASE("a long text is cut in a complaint, between characters") {
    const std::string line = complaint_about("[log]\nlevel = \"" + std::string(59, 'x') + "\u00fc and more\"");
    CHECK(line.ends_with("not the text \"" + std::string(59, 'x') + "\"..."));
}

TEST_CASE("lists hold texts, in a file and in a flag") {
    const auto texts = [](const Loaded& loaded) { return loaded.config.sockets.at(0).websocket.origins; };
    const std::string web = "[listeners.web]\nurl = 'ws://127.0.0.1'\n[listeners.web.websocket]\n";
    const TextList both{"https://a", "http://b:8080"};
    CHECK(texts(load_text(web + "origins = ['https://a', 'http://b:8080']")) == both);
    CHECK(texts(load_text(web + "origins = []")).empty());
    const std::string url = "listeners.local.url=ws://127.0.0.1";
    CHECK(texts(load_set({url, "listeners.local.websocket.origins=https://a, http://b:8080"})) == both);
    CHECK(texts(load_set({url, "listeners.local.websocket.origins="})).empty());
    CHECK(complaint_about(web + "origins = [1]").find("a list of texts only") != std::string::npos);
    CHECK(complaint_about(web + "origins = 'a'").find("must be a list of texts") != std::string::npos);
    CHECK(complaint_about(web + "origins = ['']").find("a text that is empty") != std::string::npos);
    std::string many = "origins = [";
    for (std::size_t i = 0; i <= list_texts_max; ++i) many += "'https://a',";
    CHECK(complaint_about(web + many + "]").find("more than 64") != std::string::npos);
}

TEST_CASE("flags take every type without quotes") {
    const Loaded loaded =
        load_set({"limits.inflight_max=7", "limits.queue_bytes_max=4MiB", "limits.retain_available=false",
                  "log.level=debug", "broker.response_information_prefix=a b", "log.format=\"json\""});
    CHECK(lines_of(loaded) == std::vector<std::string>{});
    CHECK(loaded.config.limits.inflight_max == 7);
    CHECK(loaded.config.limits.queue_bytes_max == 4 * 1024 * 1024);
    CHECK_FALSE(loaded.config.limits.retain_available);
    CHECK(loaded.config.log.level == LogLevel::debug);
    CHECK(loaded.config.log.format == LogFormat::json);
    CHECK(loaded.config.shard.response_information_prefix == "a b");
}

TEST_CASE("flags complain like files") {
    CHECK(
        complaint_about_set("limits.inflight_max=x") ==
        "--set limits.inflight_max: key 'limits.inflight_max' must be a whole number of messages, not the text \"x\"");
    CHECK(complaint_about_set("limits.inflight_max=0") ==
          "--set limits.inflight_max: key 'limits.inflight_max' is out of range: 0; allowed are 1 to 16384 messages; "
          "use 1");
    CHECK(complaint_about_set("limits.retain_available=1") ==
          "--set limits.retain_available: key 'limits.retain_available' must be true or false, not the text \"1\"");
    CHECK(complaint_about_set("log.level=") ==
          "--set log.level: key 'log.level' must be one of debug, info, warning, error, not the text \"\"");
}
