// What of the manifests is published, and what follows when the broker refuses it.
#include "manifests.hpp"

#include "rig.hpp"

namespace ledge::ota {
namespace {

using How = client::PublishDone::How;
using Topics = std::vector<std::string>;

/// An empty directory, and what a broker has retained for it.
struct Scene {
    Scene() {
        options.directory = directory.path;
        folder = std::make_unique<ImageFolder>(options, log);
        manifests.note_retained("ota/manifest/boiler", as_bytes("old"));
    }
    Topics wanted() const {
        Topics topics;
        for (const Publication& one : manifests.differences(*folder))
            topics.push_back(one.topic + (one.payload.empty() ? " removed" : " set"));
        return topics;
    }
    /// Publishes all differences, which the broker answers with this code.
    void publishes(wire::ReasonCode code, How how = How::answered) {
        wire::PacketId id = 0;
        for (const Publication& one : manifests.differences(*folder)) {
            manifests.published(one, ++id);
            CHECK(manifests.is_refused({.packet_id = id, .code = code, .how = how}) ==
                  (code != wire::ReasonCode::success || how != How::answered));
        }
    }
    void looks() {
        for (int i = 0; i < 2; ++i) folder->look(core_now);
        while (folder->is_hashing()) folder->hash_slice();
    }

    Folder directory;
    Log log;
    OtaOptions options;
    std::unique_ptr<ImageFolder> folder;
    Manifests manifests{"ota"};
};

TEST_CASE("a manifest without a file is removed, once") {
    Scene scene;
    CHECK(scene.wanted() == Topics{"ota/manifest/boiler removed"});
    scene.publishes(wire::ReasonCode::success);
    CHECK(scene.wanted().empty());
}

TEST_CASE("a removal that the broker refuses, or that was lost, is wanted again") {
    Scene scene;
    SUBCASE("refused") { scene.publishes(wire::ReasonCode::quota_exceeded); }
    SUBCASE("lost") { scene.publishes(wire::ReasonCode::success, How::given_up); }
    CHECK(scene.wanted() == Topics{"ota/manifest/boiler removed"});
    scene.publishes(wire::ReasonCode::success);
    CHECK(scene.wanted().empty());
}

TEST_CASE("the earlier manifest behind a refused one is removed with the file") {
    Scene scene;
    scene.directory.has("boiler", "1");
    scene.looks();
    CHECK(scene.wanted() == Topics{"ota/image/boiler set", "ota/manifest/boiler set"});
    scene.publishes(wire::ReasonCode::quota_exceeded);
    CHECK(scene.wanted() == Topics{"ota/image/boiler set", "ota/manifest/boiler set"});
    std::filesystem::remove(scene.directory.path / "boiler");
    scene.looks();
    CHECK(scene.wanted() == Topics{"ota/image/boiler removed", "ota/manifest/boiler removed"});
}

}  // namespace
}  // namespace ledge::ota
