// The server with the real core: blocks, errors, rates, and what a device may do to it.
#include "ledge/ota/ota_server.hpp"

#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/memory_store.hpp"
#include "rig.hpp"

namespace ledge::ota {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("a device fetches an image block by block, with the QoS of its requests") {
    Rig rig;
    const std::string image = firmware(2500);
    rig.folder.has("boiler@1.2", image);
    rig.passes(2s);
    REQUIRE(rig.server->figures().images == 1);
    Device dev(rig);
    rig.settles({&dev});
    const std::uint32_t id = id_of(image);
    for (const auto& [offset, size] : {std::pair{0U, 1000U}, {1000U, 1000U}, {2000U, 500U}}) {
        const auto qos = offset == 1000 ? wire::QoS::at_most_once : wire::QoS::at_least_once;
        dev.asks(request(id, offset, 1000), qos);
        rig.settles({&dev});
        CHECK(dev.takes() == Texts{answer(id, offset, Status::data, image.substr(offset, size))});
    }
    CHECK(dev.done == 2);
    CHECK(rig.server->figures().blocks == 3);
    CHECK(rig.server->figures().bytes == 2500);
    CHECK(rig.server->figures().refused == 0);
}

TEST_CASE("a block is never larger than block_bytes_max, whatever is asked for") {
    OtaOptions options;
    options.block_bytes_max = 100;
    Rig rig(options);
    const std::string image = firmware(2500);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    Device dev(rig);
    rig.settles({&dev});
    dev.asks(request(id_of(image), 2450, 0xFFFF));
    rig.settles({&dev});
    CHECK(dev.takes() == Texts{answer(id_of(image), 2450, Status::data, image.substr(2450))});
    dev.asks(request(id_of(image), 1, 0xFFFF));
    rig.settles({&dev});
    CHECK(dev.takes() == Texts{answer(id_of(image), 1, Status::data, image.substr(1, 100))});
}

TEST_CASE("unknown images, offsets beyond the end and malformed requests get an answer with a status") {
    Rig rig;
    const std::string image = firmware(100);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    Device dev(rig);
    rig.settles({&dev});
    const std::uint32_t id = id_of(image);
    const std::string good = request(id, 0, 10);
    const auto reply = [&](const std::string& bytes) {
        dev.asks(bytes);
        rig.settles({&dev});
        const Texts texts = dev.takes();
        return texts.size() == 1 ? texts.front() : std::to_string(texts.size()) + " answers";
    };
    CHECK(reply(request(id + 1, 7, 10)) == answer(id + 1, 7, Status::unknown_image));
    CHECK(reply(request(id, 100, 10)) == answer(id, 100, Status::beyond_end));
    CHECK(reply(request(id, 0xFFFFFFFF, 10)) == answer(id, 0xFFFFFFFF, Status::beyond_end));
    CHECK(reply(request(id, 0, 0)) == answer(0, 0, Status::malformed));
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK(reply(good.substr(0, size)) == answer(0, 0, Status::malformed));
    CHECK(reply(good + "x") == answer(0, 0, Status::malformed));
    CHECK(reply(good) == answer(id, 0, Status::data, image.substr(0, 10)));
    CHECK(rig.server->figures().refused == 15);
}

TEST_CASE("the largest blocks for many devices at once: each gets its answer, also while the store is slow") {
    OtaOptions options;
    options.block_bytes_max = 0xFFFF;
    options.bytes_per_second_max = options.device_bytes_per_second_max = 0;
    broker::ShardOptions with_store = Rig::core_options();
    with_store.durability.journal.is_enabled = true;
    Rig rig(options, with_store);
    storage::MemoryStore store;
    const auto commit = [&] {
        while (rig.core.shard.wants_commit(core_now)) {
            const auto report = store.commit(rig.core.shard.take_batch(core_now));
            REQUIRE(report.ok());
            rig.core.shard.on_committed(report->last, 0, core_now);
        }
    };
    const std::string image = firmware(70'000);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    inner::InnerClientOptions sleeper_options =
        inner::guest_options("sleeper", {{"ota/block/+", {.qos = wire::QoS::at_least_once}}});
    sleeper_options.client.session_expiry_s = 3600;  // so each answer has to become durable
    Guest sleeper(rig.core, sleeper_options);
    Guest crowd(rig.core, "crowd");
    for (int i = 0; i < 3; ++i) {
        rig.settles({&sleeper, &crowd});
        commit();
    }
    REQUIRE(sleeper.client.is_running());
    sleeper.client.stop(core_now);
    for (int i = 0; i < 40; ++i)
        crowd.publishes("ota/get/dev" + std::to_string(i), request(id_of(image), 0, 0xFFFF), wire::QoS::at_least_once);
    rig.settles({&sleeper, &crowd});
    CHECK(rig.server->figures().blocks < 16);  // 1 MiB waits for the store
    for (int i = 0; i < 10; ++i) {
        commit();
        rig.settles({&sleeper, &crowd});
    }
    CHECK(rig.server->figures().blocks == 40);
    CHECK(rig.server->figures().refused == 0);
}

TEST_CASE("a file that is replaced or written to under way is another image at once, and the device is told") {
    Rig rig;
    const std::string old_image = firmware(3000, 1);
    const std::string new_image = firmware(3000, 2);
    rig.folder.has("boiler", old_image);
    rig.passes(2s);
    Device dev(rig);
    Guest panel(rig.core, "panel", {{"ota/image/+", {}}});
    rig.settles({&dev, &panel});
    dev.asks(request(id_of(old_image), 0, 1000));
    rig.settles({&dev, &panel});
    CHECK(dev.takes() == Texts{answer(id_of(old_image), 0, Status::data, old_image.substr(0, 1000))});
    panel.got.clear();
    SUBCASE("replaced") { rig.folder.has("boiler", new_image); }
    SUBCASE("written to, with the same size") { rig.folder.overwrites("boiler", new_image); }
    // Before any look at the directory: the date of the file tells.
    dev.asks(request(id_of(old_image), 1000, 1000));
    rig.settles({&dev, &panel});
    CHECK(dev.takes() == Texts{answer(id_of(old_image), 1000, Status::unknown_image)});
    CHECK(panel.got.empty());  // the manifest is not taken away meanwhile
    rig.passes(6s, {&dev, &panel});
    REQUIRE(panel.got.size() == 1);
    CHECK(panel.got.front().find(R"("size":3000)") != std::string::npos);
    dev.asks(request(id_of(new_image), 1000, 1000));
    rig.settles({&dev, &panel});
    CHECK(dev.takes() == Texts{answer(id_of(new_image), 1000, Status::data, new_image.substr(1000, 1000))});
}

TEST_CASE("after a start, a request for an image that is not hashed yet waits for its answer") {
    Rig rig;
    const std::string image = firmware(100'000);
    rig.folder.has("boiler", image);
    Device dev(rig);
    rig.settles({&dev});
    dev.asks(request(id_of(image), 0, 8));
    dev.asks(request(1, 0, 8));
    dev.asks(request(id_of(image), 8, 8));
    rig.settles({&dev});
    CHECK(dev.takes().empty());
    CHECK(rig.server->figures().waiting == 1);  // the newest request of the device
    rig.passes(2s, {&dev});
    CHECK(dev.takes() == Texts{answer(id_of(image), 8, Status::data, image.substr(8, 8))});
}

TEST_CASE("without files, the request is refused after the first look") {
    Rig rig;
    Device dev(rig);
    rig.settles({&dev});
    dev.asks(request(1, 0, 8));
    rig.settles({&dev});
    CHECK(dev.takes() == Texts{answer(1, 0, Status::unknown_image)});
}

TEST_CASE("a large file is hashed in slices of one turn each, and other clients are served between them") {
    Rig rig;
    const std::size_t size = 4 * 1024 * 1024;
    rig.folder.has("boiler", firmware(size));
    rig.passes(999ms);
    CHECK(rig.server->figures().images == 0);
    Guest panel(rig.core, "panel", {{"ping", {}}});
    rig.settles({&panel});
    core_now += 1ms;
    // One turn of the loop after the other, with a message of another client in each of them.
    int turns = 0;
    rig.core.begin();
    rig.server->on_time(core_now);
    while (rig.server->wants_turn()) {
        rig.core.begin();
        panel.publishes("ping", "x");
        panel.turn();
        rig.server->turn(core_now);
        rig.core.end();
        ++turns;
        if (rig.server->figures().images == 0) CHECK(static_cast<int>(panel.got.size()) + 2 >= turns);
    }
    CHECK(turns >= 256);  // 16 KiB in each
    CHECK(rig.server->figures().images == 1);
}

TEST_CASE("endless requests: one place for each device, and the rate of all together") {
    OtaOptions options;
    options.bytes_per_second_max = 10'000;
    options.device_bytes_per_second_max = 0;
    Rig rig(options);
    const std::string image = firmware(5000);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    Device greedy(rig, "greedy");
    Device modest(rig, "modest");
    rig.settles({&greedy, &modest});
    const auto blocks = [&] { return rig.server->figures().blocks; };
    for (int i = 0; i < 2000; ++i) {
        greedy.asks(request(id_of(image), 0, 1000), wire::QoS::at_most_once);
        if (i % 100 == 0) rig.settles({&greedy, &modest});
    }
    CHECK(blocks() <= 11);  // the burst, and at most one more
    CHECK(rig.server->figures().waiting == 1);
    modest.asks(request(id_of(image), 0, 100));
    for (int step = 0; step < 100; ++step) {
        for (int i = 0; i < 10; ++i) greedy.asks(request(id_of(image), 0, 1000), wire::QoS::at_most_once);
        rig.passes(100ms, {&greedy, &modest});
    }
    CHECK(modest.takes().size() == 1);
    CHECK(blocks() <= 11 + 11 * 10 + 1);
    CHECK(blocks() >= 50);
}

TEST_CASE("the rate of one device does not hold up another one") {
    OtaOptions options;
    options.bytes_per_second_max = 0;
    options.device_bytes_per_second_max = 1000;
    Rig rig(options);
    const std::string image = firmware(5000);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    Device greedy(rig, "greedy");
    Device modest(rig, "modest");
    rig.settles({&greedy, &modest});
    for (int i = 0; i < 5; ++i) {
        greedy.asks(request(id_of(image), 0, 1000));
        rig.settles({&greedy, &modest});
    }
    CHECK(greedy.takes().size() == 1);  // 1,022 bytes with the head and the topic
    modest.asks(request(id_of(image), 0, 500));
    rig.settles({&greedy, &modest});
    CHECK(modest.takes().size() == 1);
    rig.passes(1s, {&greedy, &modest});
    CHECK(greedy.takes().size() == 1);
}

TEST_CASE("more devices than there are places: the oldest without a request is forgotten, nothing grows") {
    Rig rig;
    const std::string image = firmware(100);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    Guest crowd(rig.core, "crowd");
    rig.settles({&crowd});
    for (int i = 0; i < 3000; ++i) {
        crowd.publishes("ota/get/dev" + std::to_string(i), request(id_of(image), 0, 10));
        if (i % 50 == 0) rig.settles({&crowd});
    }
    rig.settles({&crowd});
    CHECK(rig.server->figures().blocks == 3000);
    const std::string long_name(300, 'x');
    crowd.publishes("ota/get/" + long_name, request(id_of(image), 0, 10));
    rig.settles({&crowd});
    CHECK(rig.server->figures().refused == 1);
}

TEST_CASE("the server comes again when its session is removed, and the figures are in $SYS") {
    Rig rig;
    const std::string image = firmware(100);
    rig.folder.has("boiler", image);
    rig.passes(2s);
    rig.core.shard.remove_session("$part/ota", core_now);
    rig.passes(2s);
    CHECK(rig.has_logged("ota_local_problem reason=the local broker has ended the connection"));
    Device dev(rig);
    rig.settles({&dev});
    dev.asks(request(id_of(image), 0, 10));
    rig.settles({&dev});
    CHECK(dev.takes().size() == 1);
}

TEST_CASE("stop() takes leave, and the idle server wakes up for looks only") {
    Rig rig;
    rig.passes(1s);
    const Instant next = rig.server->next_deadline();
    CHECK(next == core_now + 3s);
    rig.server->stop(core_now);
    rig.settles();
    CHECK(rig.server->is_stopped());
    CHECK(rig.server->next_deadline() == never);
    CHECK(rig.core.shard.metrics().clients_connected == 0);
}

}  // namespace
}  // namespace ledge::ota
