// `include`: the order of files, what a later file replaces, and every limit.
#include <doctest/doctest.h>

#include "configuration_directory.hpp"
#include "include.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

TEST_CASE("included files override the file that includes them, in the order of their names, and add sections") {
    const ConfigurationDirectory directory;
    directory.write("main.toml",
                    "include = ['conf.d/*.toml']\n[limits]\ninflight_max = 1\nreceive_maximum = 2\n"
                    "[listeners.lan]\nurl = 'mqtt://127.0.0.1:1883'\n");
    directory.write("conf.d/20.toml", "[limits]\ninflight_max = 20\n");
    directory.write("conf.d/10.toml",
                    "[limits]\ninflight_max = 10\nmaximum_qos = 1\n[listeners.lan]\nconnections_max = 5\n");
    directory.write("conf.d/30.txt", "not read");
    directory.write("conf.d/.hidden.toml", "not read");
    directory.write("conf.d/40.toml", "[listeners.more]\nurl = 'unix:/tmp/x'\n");
    const Loaded loaded = directory.load_main();
    CHECK(loaded.config.limits.inflight_max == 20);
    CHECK(loaded.config.limits.receive_maximum == 2);
    CHECK(loaded.config.shard.listeners.size() == 2);
    CHECK(loaded.files == Lines{directory / "main.toml", directory / "conf.d/10.toml", directory / "conf.d/20.toml",
                                directory / "conf.d/40.toml"});
    CHECK(loaded.places.at("limits.inflight_max") == directory / "conf.d/20.toml:2");
    CHECK(loaded.places.at("limits.receive_maximum") == directory / "main.toml:4");
}

TEST_CASE("a list of texts is replaced as a whole, and lists of tables go on") {
    const ConfigurationDirectory directory;
    directory.write("main.toml",
                    "include = ['a.toml', 'b.toml']\n[listeners.web]\nurl = 'ws://127.0.0.1:8080'\n"
                    "[listeners.web.websocket]\norigins = ['http://a', 'http://b']\n"
                    "[[store.levels]]\nfilter = 'one'\nlevel = 'ram'\n");
    directory.write("a.toml",
                    "[[store.levels]]\nfilter = 'two'\nlevel = 'ram'\n[[store.levels]]\nfilter = 'three'\n"
                    "level = 'relaxed'\n[bridges.up]\nurls = ['mqtt://127.0.0.1:1']\n[[bridges.up.routes]]\n"
                    "direction = 'out'\nfilter = 'x/#'\n");
    directory.write("b.toml",
                    "[[store.levels]]\nfilter = 'four'\nlevel = 'ram'\n[listeners.web.websocket]\n"
                    "origins = ['http://c']\n[[bridges.up.routes]]\ndirection = 'out'\nfilter = 'y/#'\n");
    const Loaded loaded = directory.load_main();
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.sockets[0].websocket.origins == TextList{"http://c"});
    Lines filters;
    for (const auto& level : loaded.config.shard.durability.overrides) filters.push_back(level.filter);
    CHECK(filters == Lines{"one", "two", "three", "four"});
    REQUIRE(loaded.config.bridges.size() == 1);
    REQUIRE(loaded.config.bridges[0].routes.size() == 2);
    CHECK(loaded.config.bridges[0].routes[1].filter == "y/#");
}

TEST_CASE("a complaint names the file and the line where the mistake is, with the nearest key") {
    const ConfigurationDirectory directory;
    directory.write("main.toml", "include = ['conf.d/*.toml']\n");
    directory.write("conf.d/a.toml", "\n[limits]\ninflight_maxx = 1\n");
    directory.write("conf.d/b.toml", "[limits]\nreceive_maximum = 'x'\n");
    directory.write("conf.d/c.toml", "[limits\n");
    const Lines lines = directory.complaints();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("@/conf.d/c.toml:1: not TOML: "));
    CHECK(lines[1] == "@/conf.d/a.toml:3: key 'limits.inflight_maxx' is unknown; did you mean 'limits.inflight_max'?");
    CHECK(lines[2].starts_with("@/conf.d/b.toml:2: key 'limits.receive_maximum' must be a whole number"));
}

TEST_CASE("a file or a directory that does not exist is a mistake; a pattern that matches nothing is none") {
    const ConfigurationDirectory directory;
    directory.write("main.toml", "include = [\n 'gone.toml',\n 'no/*.toml',\n 'conf.d/*.toml']\n");
    directory.write("conf.d/x.txt", "");
    CHECK(directory.complaints() ==
          Lines{"@/main.toml:1: key 'include': the directory @/no cannot be read: No such file or directory",
                "@/main.toml:1: key 'include': @/gone.toml cannot be opened: No such file or directory"});
}

TEST_CASE("wrong forms of include are refused") {
    const ConfigurationDirectory directory;
    const auto complaint = [&](const std::string& text) {
        directory.write("main.toml", text);
        const Lines lines = directory.complaints();
        return lines.empty() ? std::string() : lines.front();
    };
    CHECK(complaint("include = 'a.toml'\n") ==
          "@/main.toml:1: key 'include' must be a list of paths, for example [\"conf.d/*.toml\"], not the text "
          "\"a.toml\"");
    CHECK(complaint("include = ['*/a.toml']\n")
              .ends_with("has a wildcard before its last part; name one directory, "
                         "and list several"));
    CHECK(complaint("include = ['conf.d/']\n").ends_with("names no file; write conf.d/*.toml"));
    CHECK(complaint("[log]\ninclude = ['a.toml']\n") ==
          "@/main.toml:2: key 'log.include' is unknown; write include above the first section");
    CHECK(complaint("include = ['main.toml']\n").ends_with("main.toml is included a second time; name it once"));
    CHECK(complaint("include = ['.']\n").find("is a directory") != std::string::npos);
}

TEST_CASE("the depth and the number of included files are bounded") {
    const ConfigurationDirectory directory;
    directory.write("main.toml", "include = ['1.toml']\n");
    for (int i = 1; i <= 5; ++i)
        directory.write(std::to_string(i) + ".toml", "include = ['" + std::to_string(i + 1) + ".toml']\n");
    CHECK(directory.complaints() == Lines{"@/4.toml:1: key 'include': @/5.toml is included more than 4 files deep"});
    directory.write("main.toml", "include = ['many/*.toml']\n");
    for (std::size_t i = 0; i <= included_files_max; ++i) directory.write("many/" + std::to_string(i) + ".toml", "");
    const Lines lines = directory.complaints();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with("is one file too many; at most 100 may be included"));
}

TEST_CASE("the printed configuration names the file and the line of each value, and parses back to the same") {
    const ConfigurationDirectory directory;
    directory.write("main.toml", "include = ['conf.d/*.toml']\n[log]\nlevel = 'debug'\n");
    directory.write("conf.d/a.toml", "[limits]\ninflight_max = 7\n[[store.levels]]\nfilter = 'a'\nlevel = 'ram'\n");
    Sources sources;
    sources.set = {"sys.interval_s=5"};
    const Loaded loaded = directory.load_main(sources);
    const std::string printed = print(loaded);
    const auto has = [&](const std::string& line) { return printed.find("\n" + line + "\n") != std::string::npos; };
    CHECK(has("level = \"debug\"  # " + (directory / "main.toml:3")));
    CHECK(has("inflight_max = 7  # " + (directory / "conf.d/a.toml:2")));
    CHECK(has("filter = \"a\"  # " + (directory / "conf.d/a.toml:4")));
    CHECK(has("interval_s = 5  # --set sys.interval_s"));
    CHECK(has("receive_maximum = " + std::to_string(loaded.config.limits.receive_maximum)));
    const Loaded again = load_text(printed);
    CHECK(lines_of(again) == Lines{});
    CHECK(differences(loaded.config, again.config).empty());
}

TEST_CASE("explain says the value of a key, and where it was set") {
    const ConfigurationDirectory directory;
    directory.write("main.toml", "include = ['a.toml']\n[limits]\ninflight_max = 7\n");
    directory.write("a.toml", "[limits]\ninflight_max = 8\n");
    const Loaded loaded = directory.load_main();
    CHECK(*explain_key(loaded, "limits.inflight_max") ==
          "limits.inflight_max = 8\nset at " + (directory / "a.toml:2") + "\n");
    CHECK(*explain_key(loaded, "log.level") ==
          "log.level = \"info\"\nnobody has set the key: the value is the default, or follows from other keys\n");
    CHECK(explain_key(loaded, "limits.inflight_mx").error() ==
          "there is no key 'limits.inflight_mx'; did you mean 'limits.inflight_max'?");
}
