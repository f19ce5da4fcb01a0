// Which files are images, and what is announced of them.
#include "image_folder.hpp"

#include "rig.hpp"

namespace ledge::ota {
namespace {

namespace fs = std::filesystem;

/// The retained messages below ota/, told to a new client.
std::vector<std::string> retained(Rig& rig, const char* filter = "ota/image/+") {
    Guest panel(rig.core, "panel", {{filter, {}}});
    rig.settles({&panel});
    panel.client.stop(core_now);
    rig.settles({&panel});
    return panel.got;
}

TEST_CASE("each name is announced for people and for devices, with the bytes that PROTOCOL.md shows") {
    Rig rig;
    rig.folder.has("boiler@1.2", "abc");
    rig.passes(2s);
    const std::string sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // [FIPS 180-4]
    CHECK(retained(rig) == std::vector<std::string>{R"(ota/image/boiler {"version":"1.2","size":3,"sha256":")" +
                                                    sha256 + R"(","id":"ba7816bf"})"});
    const auto bytes = retained(rig, "ota/manifest/+");
    REQUIRE(bytes.size() == 1);
    const std::string payload = bytes.front().substr(std::string("ota/manifest/boiler ").size());
    CHECK(payload.size() == manifest_head_bytes + 3);
    CHECK(payload.substr(0, 8) == std::string("\0\0\0\3\xba\x78\x16\xbf", 8));
    CHECK(payload.substr(36) == "1.2");
    CHECK(rig.has_logged("ota_image file=boiler@1.2 size=3 id=ba7816bf"));
}

TEST_CASE("the file that was modified last is the one that is announced; the others can still be fetched") {
    Rig rig;
    rig.folder.has("boiler@1.9", firmware(10, 1));
    rig.folder.has("boiler@1.10", firmware(20, 2));
    rig.folder.has("lamp", firmware(30, 3));
    rig.folder.dates("boiler@1.9", 20);
    rig.folder.dates("boiler@1.10", 10);
    rig.passes(2s);
    auto all = retained(rig);
    REQUIRE(all.size() == 2);
    std::ranges::sort(all);
    CHECK(all[0].find(R"("version":"1.10","size":20)") != std::string::npos);
    CHECK(all[1].find(R"("version":"","size":30)") != std::string::npos);
    Device dev(rig);
    rig.settles({&dev});
    dev.asks(request(id_of(firmware(10, 1)), 0, 10));
    rig.settles({&dev});
    CHECK(dev.takes().front()[8] == 0);
    rig.folder.dates("boiler@1.9", 0);  // back to the old version
    rig.passes(6s);
    all = retained(rig);
    std::ranges::sort(all);
    CHECK(all[0].find(R"("version":"1.9","size":10)") != std::string::npos);
}

TEST_CASE("a removed file takes its manifest with it; a restart finds what an earlier process has announced") {
    Rig rig;
    rig.folder.has("boiler", "1");
    rig.folder.has("lamp", "2");
    rig.passes(2s);
    CHECK(retained(rig).size() == 2);
    fs::remove(rig.folder.path / "lamp");
    rig.passes(5s);
    CHECK(retained(rig).size() == 1);
    CHECK(rig.has_logged("ota_image_removed file=lamp"));
    rig.server->stop(core_now);
    rig.settles();
    fs::remove(rig.folder.path / "boiler");
    rig.folder.has("pump", "3");
    Guest panel(rig.core, "watcher", {{"ota/manifest/+", {}}});
    rig.settles({&panel});
    panel.got.clear();
    rig.starts();
    rig.passes(2s, {&panel});
    std::ranges::sort(panel.got);
    REQUIRE(panel.got.size() == 2);
    CHECK(panel.got[0] == "ota/manifest/boiler ");
    CHECK(panel.got[1].starts_with("ota/manifest/pump "));
    CHECK(retained(rig).size() == 1);
}

TEST_CASE("a restart with the same files publishes nothing: no device is woken up") {
    Rig rig;
    rig.folder.has("boiler", "1");
    rig.passes(2s);
    rig.server->stop(core_now);
    rig.settles();
    Guest panel(rig.core, "watcher", {{"ota/#", {}}});
    rig.starts();
    rig.settles({&panel});
    CHECK(panel.got.size() == 2);  // retained
    rig.passes(10s, {&panel});
    CHECK(panel.got.size() == 2);
    CHECK(rig.server->figures().images == 1);
}

TEST_CASE("what is no image: links, directories, hidden files, empty ones, large ones, names with wildcards") {
    OtaOptions options;
    options.image_bytes_max = 100;
    Rig rig(options);
    rig.folder.has("good", "1");
    fs::create_symlink("/etc/passwd", rig.folder.path / "link");
    fs::create_symlink("good", rig.folder.path / "link-inside");
    fs::create_directory(rig.folder.path / "directory");
    rig.folder.has(".hidden", "1");
    rig.folder.has("empty", "");
    rig.folder.has("large", firmware(101));
    rig.folder.has("largest", firmware(100));
    rig.folder.has("a+b", "1");
    rig.folder.has("a#", "1");
    rig.folder.has("@1.2", "1");
    rig.folder.has("control\x01", "1");
    rig.folder.has("not-utf8-\xff", "1");
    rig.folder.has(std::string(65, 'x'), "1");
    REQUIRE(::mkfifo((rig.folder.path / "pipe").c_str(), 0600) == 0);
    rig.passes(20s);
    auto all = retained(rig);
    std::ranges::sort(all);
    REQUIRE(all.size() == 2);
    CHECK(all[0].starts_with("ota/image/good "));
    CHECK(all[1].starts_with("ota/image/largest "));
    CHECK(rig.has_logged("ota_image_refused file=large reason=the file has 101 bytes (ota.image_bytes_max is 100)"));
    CHECK(rig.has_logged("ota_image_refused file=empty reason=the file is empty"));
    CHECK(rig.has_logged(
        "ota_image_refused file=link-inside reason=it is a symbolic link, which is not followed; put the "
        "file itself there"));
    const auto refused = [](const std::string& line) { return line.starts_with("ota_image_refused"); };
    CHECK(std::ranges::count_if(rig.lines, refused) == 10);  // each one is named once
}

TEST_CASE("the number of images is bounded, and the first names are taken") {
    OtaOptions options;
    options.images_max = 3;
    Rig rig(options);
    for (const char* const name : {"d", "b", "a", "c", "e"}) rig.folder.has(name, name);
    rig.passes(10s);
    CHECK(rig.server->figures().images == 3);
    CHECK(retained(rig).size() == 3);
    CHECK(rig.has_logged("ota_image_refused file=d reason=there are more than 3 images"));
    fs::remove(rig.folder.path / "a");
    rig.passes(10s);
    CHECK(rig.server->figures().images == 3);
}

TEST_CASE("a manifest that the broker refuses is told once and published again, until there is room") {
    Rig rig;
    Guest other(rig.core, "other");
    rig.settles({&other});
    for (std::uint32_t i = 1; i < Rig::retained_max; ++i)
        other.publishes("other/" + std::to_string(i), "x", wire::QoS::at_least_once, true);
    rig.settles({&other});
    rig.folder.has("boiler", "1");
    rig.passes(10s, {&other});
    CHECK(retained(rig, "ota/#").size() == 1);
    const std::string line = "ota_local_problem reason=the local broker refuses a manifest: quota_exceeded";
    CHECK(std::ranges::count(rig.lines, line) == 1);
    other.publishes("other/1", "", wire::QoS::at_least_once, true);
    rig.passes(10s, {&other});
    CHECK(retained(rig, "ota/#").size() == 2);
}

TEST_CASE("a file that grows is taken when two looks have seen the same") {
    Rig rig;
    std::string text = "1";
    for (int i = 0; i < 5; ++i) {
        rig.folder.overwrites("boiler", text += "1");
        rig.passes(500ms);
        CHECK(rig.server->figures().images == 0);
    }
    rig.passes(2s);
    CHECK(rig.server->figures().images == 1);
    CHECK(retained(rig).front().find(R"("size":6)") != std::string::npos);
}

TEST_CASE("a missing directory is told once, and its files are found when it appears; images stay while it is away") {
    Rig rig;
    const fs::path away = rig.folder.path.string() + "-away";
    rig.folder.has("boiler", "1");
    fs::rename(rig.folder.path, away);
    rig.passes(20s);
    CHECK(std::ranges::count_if(rig.lines, [](const std::string& line) {
              return line.starts_with("ota_directory_unreadable directory=");
          }) == 1);
    fs::rename(away, rig.folder.path);
    rig.passes(6s);
    CHECK(retained(rig).size() == 1);
    fs::rename(rig.folder.path, away);
    rig.passes(10s);
    CHECK(retained(rig).size() == 1);
    fs::rename(away, rig.folder.path);
}

/// Without the rights of root, to which the rights of files do not apply. Nothing happens for other users.
class WithoutRoot {
public:
    WithoutRoot() { become(::geteuid() == 0 ? nobody : ::geteuid()); }
    ~WithoutRoot() { become(before_); }
    WithoutRoot(const WithoutRoot&) = delete;
    WithoutRoot& operator=(const WithoutRoot&) = delete;

private:
    static constexpr uid_t nobody = 65534;
    static void become(uid_t user) { REQUIRE(::seteuid(user) == 0); }
    const uid_t before_ = ::geteuid();
};

TEST_CASE("images stay while the directory can be read, but not entered") {
    Rig rig;
    rig.folder.has("boiler", "1");
    rig.passes(2s);
    REQUIRE(rig.server->figures().images == 1);
    fs::permissions(rig.folder.path, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
    {
        const WithoutRoot user;
        rig.passes(20s);
    }
    fs::permissions(rig.folder.path, fs::perms::owner_all);
    CHECK(rig.server->figures().images == 1);
    CHECK(rig.has_logged("ota_directory_unreadable directory="));
    CHECK_FALSE(rig.has_logged("ota_image_removed"));
    CHECK(retained(rig).size() == 1);
}

TEST_CASE("a file that cannot be read is named once, and taken when its rights are mended") {
    const bool is_root = ::geteuid() == 0;  // root reads every file
    Rig rig;
    rig.folder.has("boiler", "1");
    fs::permissions(rig.folder.path / "boiler", fs::perms::none);
    rig.passes(20s);
    CHECK(rig.server->figures().images == (is_root ? 1 : 0));
    const auto named = std::ranges::count(rig.lines, "ota_image_refused file=boiler reason=the file cannot be read");
    CHECK(named == (is_root ? 0 : 1));
    fs::permissions(rig.folder.path / "boiler", fs::perms::owner_read);
    rig.passes(6s);
    CHECK(rig.server->figures().images == 1);
}

}  // namespace
}  // namespace ledge::ota
