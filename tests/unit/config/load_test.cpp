#include "ledge/config/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "helpers.hpp"
#include "ledge/auth/text_file.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

TEST_CASE("without file and flags there is one local listener for everybody on this machine") {
    const Loaded loaded = load({});
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.notes.empty());
    REQUIRE(loaded.config.sockets.size() == 1);
    REQUIRE(loaded.config.shard.listeners.size() == 1);
    CHECK(loaded.config.sockets[0].url == "mqtt://127.0.0.1:1883");
    CHECK(loaded.config.sockets[0].endpoint.port == 1883);
    CHECK(loaded.config.shard.listeners[0].name == "local");
    CHECK(loaded.config.shard.listeners[0].allow_anonymous);
}

TEST_CASE("a byte order mark and carriage returns are no mistakes") {
    CHECK(lines_of(load_text("\xEF\xBB\xBF[log]\r\nlevel = 'debug'\r\n# \xC3\xBC\r\n")) == Lines{});
}

TEST_CASE("an empty file is the same as none") {
    CHECK(differences(load({}).config, load_text("").config).empty());
    CHECK(differences(load({}).config, load_text("[limits]\n[log]\n[listeners]\n").config).empty());
}

TEST_CASE("listeners of a file replace the embedded one, in the order of their names") {
    const Loaded loaded = load_text(
        "[listeners.lan]\nurl = 'mqtt://0.0.0.0:1883'\nallow_anonymous = true\n"
        "[listeners.a]\nurl = 'unix:/run/a.sock'\nconnections_max = 5\n");
    CHECK(lines_of(loaded) == Lines{});
    REQUIRE(loaded.config.sockets.size() == 2);
    CHECK(loaded.config.shard.listeners[0].name == "a");
    CHECK(loaded.config.shard.listeners[0].connections_max == 5);
    CHECK(loaded.config.sockets[0].endpoint.path == "/run/a.sock");
    CHECK(loaded.config.shard.listeners[1].name == "lan");
    CHECK(loaded.config.sockets[1].endpoint.host == "0.0.0.0");
}

TEST_CASE("limits of a listener start from the global ones, wherever those stand") {
    const Loaded loaded = load_text(
        "[listeners.a]\nurl = 'unix:/a'\n[listeners.a.limits]\ninflight_max = 7\n"
        "[listeners.b]\nurl = 'unix:/b'\n"
        "[limits]\ninflight_max = 5\nreceive_maximum = 6\n");
    CHECK(lines_of(loaded) == Lines{});
    REQUIRE(loaded.config.shard.listeners.size() == 2);
    CHECK(loaded.config.limits.inflight_max == 5);
    CHECK(loaded.config.shard.listeners[0].limits.inflight_max == 7);
    CHECK(loaded.config.shard.listeners[0].limits.receive_maximum == 6);
    CHECK(loaded.config.shard.listeners[1].limits.inflight_max == 5);
}

TEST_CASE("flags win over the file, and the last flag over the others") {
    Sources sources;
    sources.set = {"limits.inflight_max=8", "limits.inflight_max=9", "listeners.a.connections_max=3",
                   "listeners.a.limits.receive_maximum=4"};
    const Loaded loaded =
        load_text("[listeners.a]\nurl = 'unix:/a'\nconnections_max = 2\n[limits]\ninflight_max = 5\n", sources);
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.limits.inflight_max == 9);
    CHECK(loaded.config.shard.listeners[0].limits.inflight_max == 9);
    CHECK(loaded.config.shard.listeners[0].connections_max == 3);
    CHECK(loaded.config.shard.listeners[0].limits.receive_maximum == 4);
}

TEST_CASE("--listen replaces the configured listeners") {
    Sources sources;
    sources.listen = {"mqtt://127.0.0.1:2000", "unix:/b"};
    sources.set = {"listeners.listen-2.connections_max=3"};
    const Loaded loaded = load_text("[listeners.lan]\nurl = 'nonsense'\nallow_anonymous = true\n", sources);
    CHECK(lines_of(loaded) == Lines{});
    REQUIRE(loaded.notes.size() == 1);  // what the file says is not dropped in silence
    CHECK(loaded.notes[0].starts_with("--listen replaces the listeners of the file: [listeners.lan] and every key"));
    REQUIRE(loaded.config.sockets.size() == 2);
    CHECK(loaded.config.sockets[0].endpoint.port == 2000);
    CHECK(loaded.config.sockets[1].endpoint.path == "/b");
    CHECK(loaded.config.shard.listeners[1].name == "listen-2");
    CHECK(loaded.config.shard.listeners[1].connections_max == 3);
}

TEST_CASE("--listen complains under its own name") {
    Sources sources;
    sources.listen = {"mqtt://broker.example"};
    const Loaded loaded = load(sources);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].place == "--listen mqtt://broker.example");
    CHECK(loaded.complaints[0].text.find("is not an IPv4 address") != std::string::npos);
}

TEST_CASE("--set makes and changes listeners") {
    Loaded loaded = load_set({"listeners.local.connections_max=3"});
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.sockets[0].endpoint.port == 1883);
    CHECK(loaded.config.shard.listeners[0].connections_max == 3);
    loaded = load_set({"listeners.more.url=unix:/more"});
    CHECK(lines_of(loaded) == Lines{});
    REQUIRE(loaded.config.sockets.size() == 1);  // nothing that was not asked for
    CHECK(loaded.config.sockets[0].endpoint.path == "/more");
    loaded = load_set({"listeners.more.connections_max=3"});
    CHECK(lines_of(loaded)[0].find("listener 'more' has no url") != std::string::npos);
}

TEST_CASE("anonymous clients: as configured, otherwise only where this machine alone can connect") {
    const auto is_anonymous = [](const std::string& toml, bool flag = false) {
        Sources sources;
        sources.allow_anonymous = flag;
        const Loaded loaded = load_text("[listeners.x]\n" + toml, sources);
        REQUIRE(loaded.ok());
        return loaded.config.shard.listeners[0].allow_anonymous;
    };
    CHECK(is_anonymous("url = 'mqtt://127.0.0.1'"));
    CHECK(is_anonymous("url = 'mqtt://[::1]'"));
    CHECK(is_anonymous("url = 'unix:/x'"));
    CHECK_FALSE(is_anonymous("url = 'mqtt://0.0.0.0'"));
    CHECK_FALSE(is_anonymous("url = 'mqtt://[::]'"));
    CHECK(is_anonymous("url = 'mqtt://0.0.0.0'\nallow_anonymous = true"));
    CHECK_FALSE(is_anonymous("url = 'mqtt://127.0.0.1'\nallow_anonymous = false"));
    CHECK(is_anonymous("url = 'mqtt://0.0.0.0'\nallow_anonymous = false", true));
}

TEST_CASE("notes say where nobody and where everybody can log in") {
    Loaded loaded = load_text("[listeners.x]\nurl = 'mqtt://0.0.0.0'");
    REQUIRE(loaded.notes.size() == 1);
    CHECK(loaded.notes[0].starts_with("nobody can log in at mqtt://0.0.0.0:"));
    loaded = load_text("[listeners.x]\nurl = 'mqtt://0.0.0.0'\nallow_anonymous = true");
    REQUIRE(loaded.notes.size() == 1);
    CHECK(loaded.notes[0].starts_with("everybody who reaches mqtt://0.0.0.0 can publish"));
    loaded = load_text("[listeners.x]\nurl = 'mqtt://127.0.0.1'\nallow_anonymous = false");
    REQUIRE(loaded.notes.size() == 1);
    CHECK(loaded.notes[0].starts_with("nobody can log in"));
}

TEST_CASE("unknown keys name the nearest known key") {
    CHECK(complaint_about("[limits]\ninflight_mx = 5") ==
          "test.toml:2: key 'limits.inflight_mx' is unknown; did you mean 'limits.inflight_max'?");
    CHECK(complaint_about("\n\n[limit]\ninflight_max = 5") ==
          "test.toml:4: key 'limit.inflight_max' is unknown; did you mean 'limits.inflight_max'?");
    CHECK(complaint_about("[listener.lan]\nurl = 'unix:/x'") ==
          "test.toml:2: key 'listener.lan.url' is unknown; did you mean 'listeners.lan.url'?");
    CHECK(complaint_about("[store]\nmode = 5").find("did you mean 'log.") == std::string::npos);
    CHECK(complaint_about("inflight_max = 5") ==
          "test.toml:1: key 'inflight_max' is unknown; did you mean 'limits.inflight_max'?");
    CHECK(complaint_about("[persistence]\nautosave = 5") ==
          "test.toml:2: key 'persistence.autosave' is unknown; ledgemq --print-config shows all keys");
    CHECK(complaint_about("[persistence]") ==
          "test.toml:1: key 'persistence' is unknown; ledgemq --print-config shows all keys");
    CHECK(complaint_about("[listeners.lan]\nurl = 'unix:/x'\nallow_anonymus = true") ==
          "test.toml:3: key 'listeners.lan.allow_anonymus' is unknown; did you mean 'listeners.lan.allow_anonymous'?");
    CHECK(complaint_about("[listeners.lan]\nurl = 'unix:/x'\n[listeners.lan.limits]\ninflight_mx = 1") ==
          "test.toml:4: key 'listeners.lan.limits.inflight_mx' is unknown; did you mean "
          "'listeners.lan.limits.inflight_max'?");
    CHECK(complaint_about_set("limits.inflight_mx=5") ==
          "--set limits.inflight_mx: key 'limits.inflight_mx' is unknown; did you mean 'limits.inflight_max'?");
    CHECK(complaint_about("\"limits.inflight_max\" = 5") ==
          "test.toml:1: key '\"limits.inflight_max\"' is unknown; did you mean 'limits.inflight_max'?");
}

TEST_CASE("keys of the broker do not exist in a listener, and the other way round") {
    CHECK(complaint_about("[listeners.a]\nurl = 'unix:/x'\nlog.level = 'info'").find("is unknown") !=
          std::string::npos);
    CHECK(complaint_about("connections_max = 5").find("is unknown") != std::string::npos);
}

TEST_CASE("a key with control characters or without end is shown safely") {
    CHECK(complaint_about("\"a\\nb\" = 5").starts_with("test.toml:1: key '\"a\\u000ab\"' is unknown"));
    const std::string line = complaint_about(std::string(1000, 'k') + " = 5");
    CHECK(line.size() < 300);
    CHECK(line.find("kkk...'") != std::string::npos);
}

TEST_CASE("sections in the place of keys and keys in the place of sections") {
    CHECK(complaint_about("limits = 5") == "test.toml:1: 'limits' is a section: write [limits]");
    CHECK(complaint_about("[[log]]\nlevel = 'info'") == "test.toml:1: 'log' is a section: write [log]");
    CHECK(complaint_about("[[listeners]]\nurl = 'unix:/x'") ==
          "test.toml:1: listeners have names: write [listeners.NAME], with a url below it");
    CHECK(complaint_about("[listeners]\nlan = 'unix:/x'") ==
          "test.toml:2: 'listeners.lan' is a section: write [listeners.lan]");
    CHECK(complaint_about("[listeners.lan]\nurl = 'unix:/x'\nlimits = 5") ==
          "test.toml:3: 'listeners.lan.limits' is a section: write [listeners.lan.limits]");
    CHECK(complaint_about_set("limits=5") == "--set limits: 'limits' is a section: write [limits]");
    CHECK(complaint_about("[limits.inflight_max]\nx = 1").find("'limits.inflight_max.x' is unknown") !=
          std::string::npos);
}

TEST_CASE("text that is not TOML is refused with its line") {
    CHECK(complaint_about("[log]\nlevel = info").starts_with("test.toml:2: not TOML: "));
    CHECK(complaint_about("[log]\nlevel = 'info'\nlevel = 'debug'").starts_with("test.toml:3: not TOML: "));
    CHECK(complaint_about("a = \"\xFF\"").starts_with("test.toml:1: not TOML: "));
    for (const char* line : {"[&", "[[[a]]]", "[", "[[", "[ ", "[]", " [="}) {
        CHECK(complaint_about("\n" + std::string(line)) == "test.toml:2: not TOML: a section is written [NAME]");
    }
    for (const char* line : {"a",         "=",        "a =", "a = [",   "a = {",  "a = {&", "a.",      "a.&",
                             "\"",        "\"\"\"",   "'",   "a = '''", "a = 0x", "a = 1e", "a = 12:", "a = 2026-",
                             "a = \"\\u", "a = inf.", "[a",  "[a.",     "[a.&",   "[a]b",   "[a]]"}) {
        INFO(line);
        CHECK(complaint_about("\n" + std::string(line)).find("not TOML") != std::string::npos);
    }
}

TEST_CASE("lines of another format, and texts without quotes, are called by their name") {
    CHECK(complaint_about("[listeners.lan]\nurl = mqtt://0.0.0.0:1883") ==
          "test.toml:2: not TOML: a text is written in quotes: url = \"mqtt://0.0.0.0:1883\"");
    CHECK(complaint_about("[store]\npath = /var/lib/ledgemq # here") ==
          "test.toml:2: not TOML: a text is written in quotes: path = \"/var/lib/ledgemq\"");
    for (const std::string_view line : {"listener 1883", "allow_anonymous true", "persistence_location /var/lib/x/"})
        CHECK(complaint_about("# a comment\n" + std::string(line))
                  .starts_with("test.toml:2: not TOML: the line is from a mosquitto.conf, which has another format"));
    CHECK(complaint_about("what is this").find("mosquitto") == std::string::npos);
}

TEST_CASE("listeners are checked") {
    CHECK(complaint_about("[listeners.lan]") ==
          "test.toml:1: listener 'lan' has no url; add url = \"mqtt://HOST:PORT\" to [listeners.lan]");
    CHECK(complaint_about("[listeners.lan]\nconnections_max = 5") ==
          "test.toml:2: listener 'lan' has no url; add url = \"mqtt://HOST:PORT\" to [listeners.lan]");
    CHECK(complaint_about("[listeners.lan]\nurl = 'mqtt://nowhere'")
              .starts_with("test.toml:2: key 'listeners.lan.url': \"nowhere\" is not an IPv4 address"));
    CHECK(complaint_about("[listeners.lan]\nurl = 5") ==
          "test.toml:2: key 'listeners.lan.url' must be a text in quotes, not the number 5");
    CHECK(complaint_about("[listeners.'l an']\nurl = 'unix:/x'") ==
          "test.toml:2: a listener's name has 1 to 64 letters, digits, '-' and '_', not '\"l an\"'");
    CHECK(complaint_about("[listeners.a]\nurl = 'mqtt://localhost'\n[listeners.b]\nurl = 'mqtt://127.0.0.1:1883'") ==
          "test.toml:4: listeners 'a' and 'b' have the same address; remove one");
    CHECK(load_text("[listeners.a]\nurl = 'mqtt://127.0.0.1:0'\n[listeners.b]\nurl = 'mqtt://127.0.0.1:0'").ok());
}

TEST_CASE("the PROXY protocol wants to know from whom") {
    const std::string lan = "[listeners.lan]\nurl = 'mqtt://0.0.0.0'\n";
    CHECK(complaint_about(lan + "proxy_protocol = true")
              .starts_with("test.toml:3: key 'listeners.lan.proxy_protocol' requires proxy_from"));
    CHECK(complaint_about(lan + "proxy_from = ['10.0.0.0/8']")
              .starts_with("test.toml:3: key 'listeners.lan.proxy_from' has no effect without proxy_protocol = true"));
    CHECK(complaint_about(lan + "proxy_protocol = true\nproxy_from = ['10.0.0.1/8']")
              .starts_with("test.toml:4: key 'listeners.lan.proxy_from': \"10.0.0.1/8\" has bits set"));
    CHECK(complaint_about("[listeners.a]\nurl = 'unix:/a'\nproxy_protocol = true\nproxy_from = ['10.0.0.1']")
              .starts_with("test.toml:3: key 'listeners.a.proxy_protocol': peers of a Unix socket"));
    const Loaded loaded = load_text(lan + "proxy_protocol = true\nproxy_from = ['10.0.0.0/8', '::1']");
    CHECK(loaded.ok());
    CHECK(loaded.config.sockets.at(0).proxy_networks.size() == 2);
}

TEST_CASE("the settings of WebSocket are checked, and belong to WebSocket") {
    const std::string web = "[listeners.web]\nurl = 'ws://127.0.0.1:8080'\n[listeners.web.websocket]\n";
    CHECK(
        complaint_about(web + "origins = ['dashboard.example']")
            .starts_with("test.toml:4: key 'listeners.web.websocket.origins': \"dashboard.example\" is not an origin"));
    CHECK(complaint_about(web + "origins = ['https://dashboard.example/']").find("without a path") !=
          std::string::npos);
    CHECK(complaint_about(web + "trusted_proxies = ['proxy']")
              .starts_with("test.toml:4: key 'listeners.web.websocket.trusted_proxies': \"proxy\" is not a network"));
    CHECK(complaint_about("[listeners.lan]\nurl = 'mqtt://127.0.0.1'\n[listeners.lan.websocket]\ncompression = true")
              .find("is not a WebSocket address") != std::string::npos);
    CHECK(complaint_about("[listeners.web]\nurl = 'ws://127.0.0.1/metrics'") ==
          "test.toml:2: the path /metrics belongs to a page for operators; choose another path, such as /mqtt");
    CHECK(load_text(web).ok());
}

TEST_CASE("pages that others reach want a token") {
    CHECK(
        complaint_about("[admin]\nurl = 'http://0.0.0.0:9883'")
            .starts_with(
                "test.toml:2: key 'admin.url': other machines can reach these pages, which requires admin.token_file"));
    CHECK(complaint_about("[admin]\nurl = 'mqtt://127.0.0.1:9883'").find("use http://HOST:PORT") != std::string::npos);
    CHECK(load_text("[admin]\nurl = 'http://0.0.0.0:9883'\ntoken_file = '/t'").ok());
    CHECK(load_text("[admin]\nurl = 'http://127.0.0.1:9883'").ok());
    CHECK(load_text("[admin]\nurl = 'http://0.0.0.0:9883'\ntoken_file = '/t'").notes.size() == 1);
    CHECK(load_text("[admin]\nurl = 'http://127.0.0.1:9883'").config.admin_endpoint.port == 9883);
    CHECK_FALSE(load({}).config.admin.is_used());
}

TEST_CASE("[ota] is off by default, and its prefix must be the beginning of a topic") {
    CHECK_FALSE(load({}).config.ota.is_used());
    const OtaSettings settings = load_text("[ota]\ndirectory = '/images'\nblock_bytes_max = 200").config.ota;
    CHECK(settings.is_used());
    CHECK(settings.block_bytes_max == 200);
    CHECK(complaint_about("[ota]\ndirectory = ''") ==
          "test.toml:2: key 'ota.directory' is empty; name a directory, or none");
    for (const char* const prefix : {"", "a/#", "+/a", "$SYS", "ota/"})
        CHECK(complaint_about("[ota]\ntopic_prefix = '" + std::string(prefix) + "'")
                  .starts_with("test.toml:2: key 'ota.topic_prefix' must be the beginning of a topic"));
    CHECK(load_text("[ota]\ntopic_prefix = 'site/ota'").ok());
    CHECK(complaint_about("[ota]\nblock_bytes_max = 8").find("16") != std::string::npos);
}

TEST_CASE("pairs of limits are checked, once") {
    CHECK(
        complaint_about("[limits]\noutbox_bytes_max = '16 MiB'\n") ==
        "test.toml:2: key 'limits.outbox_bytes_fatal' is 8388608, below outbox_bytes_max (16777216): a client would be "
        "disconnected before its messages are dropped; raise outbox_bytes_fatal");
    CHECK(complaint_about("[listeners.a]\nurl = 'unix:/a'\n[listeners.a.limits]\noutbox_bytes_fatal = 4096\n")
              .starts_with("test.toml:4: key 'listeners.a.limits.outbox_bytes_fatal' is 4096, below"));
}

TEST_CASE("a store has a path; without one nobody can ask for durability by a flag") {
    CHECK(complaint_about("[store]\npath = ''") == "test.toml:2: key 'store.path' is empty; name a directory, or none");
    CHECK(load_text("[store]\npath = '/var/lib/ledgemq'\ndurability = 'relaxed'").ok());
    CHECK(load_text("[store]\npath = 'none'\ndurability = 'durable'").ok());  // what --print-config prints
    Sources sources;
    sources.durability = "relaxed";
    CHECK(
        lines_of(load(sources)) ==
        std::vector<std::string>{
            "--durability: without a store nothing is durable; name a directory with --store DIR, or leave this out"});
    sources.store = "/var/lib/ledgemq";
    const Loaded loaded = load(sources);
    REQUIRE(loaded.ok());
    CHECK(loaded.config.store.path == "/var/lib/ledgemq");
    CHECK(loaded.config.shard.durability.level == journal::Durability::relaxed);
}

TEST_CASE("delays of the store are in milliseconds") {
    const Loaded loaded = load_text("[store]\ncommit_delay_ms = 20\nrelaxed_interval_ms = 2500\n");
    REQUIRE(loaded.ok());
    CHECK(loaded.config.shard.durability.journal.commit_delay == 20ms);
    CHECK(loaded.config.shard.durability.journal.lazy_interval == 2500ms);
}

TEST_CASE("levels of topics keep their order, from a file and by flags") {
    const std::string text =
        "[[store.levels]]\nfilter = 'b/#'\nlevel = 'ram'\n[[store.levels]]\nlevel = 'durable'\nfilter = '+'\n";
    const Loaded loaded = load_text(text);
    REQUIRE(lines_of(loaded) == std::vector<std::string>{});
    const auto& levels = loaded.config.shard.durability.overrides;
    REQUIRE(levels.size() == 2);
    CHECK(levels[0].filter == "b/#");
    CHECK(levels[0].level == journal::Durability::ram);
    CHECK(levels[1].filter == "+");
    CHECK(levels[1].level == journal::Durability::durable);

    Sources sources;
    sources.set = {"store.levels.2.level=relaxed", "store.levels.3.filter=c", "store.levels.3.level=ram"};
    const auto more = load_text(text, sources).config.shard.durability.overrides;
    REQUIRE(more.size() == 3);
    CHECK(more[1].level == journal::Durability::relaxed);
    CHECK(more[2].filter == "c");
}

TEST_CASE("levels of topics: what is wrong is said") {
    const auto filter_complaint = [](const std::string& filter) {
        return complaint_about("[[store.levels]]\nlevel = 'ram'\nfilter = '" + filter + "'\n");
    };
    CHECK(filter_complaint("a+") ==
          "test.toml:3: key 'store.levels.1.filter' has a wildcard that does not stand alone in its level");
    CHECK(filter_complaint("a/#/b") == "test.toml:3: key 'store.levels.1.filter' has levels after #");
    CHECK(filter_complaint("$share/g/a").find("is the filter of a shared subscription") != std::string::npos);
    CHECK(complaint_about("[[store.levels]]\nfilter = 'a'\n") == "test.toml:2: a [[store.levels]] has no level");
    CHECK(complaint_about("[[store.levels]]\nlevel = 'ram'\n") == "test.toml:2: a [[store.levels]] has no filter");
    CHECK(complaint_about("[[store.levels]]\nfilter = 'a'\nlevel = 'ram'\nx = 1") ==
          "test.toml:4: key 'store.levels.1.x' is unknown; write [[store.levels]] with filter and level below it");
    CHECK(complaint_about("[store]\nlevels = 5").find("write [[store.levels]]") != std::string::npos);
    CHECK(complaint_about("[store.levels]\nfilter = 'a'").find("write [[store.levels]]") != std::string::npos);
    CHECK(complaint_about_set("store.levels.2.filter=a") ==
          "--set store.levels.2.filter: key 'store.levels.2.filter' has a number out of order: there are 0 levels so "
          "far, "
          "at most 64");
    CHECK(load_text("[[store.levels]]\nfilter = 'a'\nlevel = 'often'")
              .complaints.front()
              .text.find("must be one of ram, relaxed, durable") != std::string::npos);
}

TEST_CASE("--set wants KEY=VALUE") {
    CHECK(complaint_about_set("limits.inflight_max") ==
          "--set limits.inflight_max: must be KEY=VALUE, for example limits.inflight_max=200");
    CHECK(complaint_about_set("=5") == "--set =5: must be KEY=VALUE, for example limits.inflight_max=200");
}

TEST_CASE("all complaints are collected, in the order of the lines, flags last") {
    Sources sources;
    sources.set = {"nothing=1"};
    const Loaded loaded = load_text("[log]\nlevel = 'x'\n[limits]\ninflight_max = 0\nabc = 1\n", sources);
    REQUIRE(loaded.complaints.size() == 4);
    CHECK(loaded.complaints[0].place == "test.toml:2");
    CHECK(loaded.complaints[1].place == "test.toml:4");
    CHECK(loaded.complaints[2].place == "test.toml:5");
    CHECK(loaded.complaints[3].place == "--set nothing");
}

TEST_CASE("complaints, listeners, lines, files and nesting are bounded") {
    std::string many;
    for (int i = 0; i < 500; ++i) many += "key" + std::to_string(i) + " = 1\n";
    CHECK(load_text(many).complaints.size() == complaints_max + 1);
    CHECK(load_text(many).complaints.back().line() == "... and 400 more");

    std::string listeners;
    for (std::size_t i = 0; i <= listeners_max; ++i) {
        listeners += "[listeners.n" + std::to_string(i) + "]\nurl = 'unix:/" + std::to_string(i) + "'\n";
    }
    CHECK(complaint_about(listeners).ends_with(": more than 64 listeners"));

    CHECK(complaint_about("#\n#" + std::string(line_bytes_max, 'x')) ==
          "test.toml:2: the line is longer than 1024 bytes");
    std::string large;
    while (large.size() <= file_bytes_max) large += "# comment\n";
    CHECK(complaint_about(large) == "test.toml: the file is larger than 1048576 bytes");
    CHECK(
        complaint_about("a = " + std::string(200, '[') + std::string(200, ']')).starts_with("test.toml:1: not TOML: "));
    std::string deep = "a";
    while (deep.size() < 900) deep += ".a";
    CHECK(complaint_about("[" + deep + "]\n" + deep + " = 1").find("is unknown") != std::string::npos);
}

TEST_CASE("a file that cannot be read is a complaint") {
    Sources sources;
    sources.file = "/nonexistent/ledgemq.toml";
    CHECK(lines_of(load(sources)) ==
          Lines{"/nonexistent/ledgemq.toml: the file cannot be opened: No such file or directory"});
    sources.file = "/";
    CHECK(lines_of(load(sources)) == Lines{"/: the file is a directory; name a regular file"});
}

TEST_CASE("the target of the log and its file belong together") {
    CHECK(complaint_about("[log]\ntarget = 'file'\n") ==
          "test.toml:2: key 'log.target' is \"file\", but no file is named; add log.file = PATH");
    CHECK(complaint_about("[log]\nfile = '/var/log/x'\n") ==
          "test.toml:2: key 'log.file' has no effect; write log.target = \"file\" beside it");
    CHECK(complaint_about("[log]\nsyslog_socket = ''\n") ==
          "test.toml:2: key 'log.syslog_socket' must be a path of 1 to 107 bytes; the usual one is /dev/log");
    const Loaded loaded = load_text("[log]\ntarget = 'syslog'\nfacility = 'local3'\n");
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.log.facility == LogFacility::local3);
}
