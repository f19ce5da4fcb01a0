// The C client of firmware-bridge fetches images from the server, in virtual time: over a bad line, with resets of the
// device, with files that change under way, and with hostile answers.
#include <cstring>
#include <deque>
#include <optional>

#include "../ota/rig.hpp"
#include "fwb_ota.h"

namespace ledge::ota {
namespace {

constexpr std::uint16_t block_bytes = 80;
constexpr std::size_t flash_bytes = 64 * 1024;

/// A device with flash that survives its resets. Between it and the broker lies a line that loses and doubles messages.
class Bootloader {
public:
    Bootloader(Rig& rig, std::uint64_t seed)
        : rig_(rig),
          rng_(seed),
          guest_(rig.core, "dev1",
                 {{"ota/block/dev1", {.qos = wire::QoS::at_least_once}}, {"ota/manifest/boiler", {}}}) {
        config_.ask = [](void* io, const std::uint8_t* request, std::uint8_t bytes) {
            return self(io).ask({reinterpret_cast<const char*>(request), bytes});
        };
        config_.write = [](void* io, std::uint32_t offset, const std::uint8_t* data, std::uint16_t bytes) {
            return self(io).write(offset, data, bytes);
        };
        config_.read = [](void* io, std::uint32_t offset, std::uint8_t* data, std::uint16_t bytes) {
            std::memcpy(data, self(io).flash.data() + offset, bytes);
            return self(io).fails_to_read ? 1 : 0;
        };
        config_.block_bytes = block_bytes;
        config_.answer_ms = 1000;
        fwb_ota_init(&ota, &config_, this, nullptr);
    }
    Bootloader(const Bootloader&) = delete;
    Bootloader& operator=(const Bootloader&) = delete;

    /// The memory is lost; the cursor was stored when a sector of flash was full.
    void resets() {
        std::memset(&ota, 0xEE, sizeof ota);
        fwb_ota_init(&ota, &config_, this, stored_ ? &*stored_ : nullptr);
    }
    void knows_running(const auth::Digest256& digest) {
        running_ = digest;
        config_.running = running_.data();
    }

    void has_stored(const auth::Digest256& digest, std::uint32_t size, std::uint32_t offset) {
        stored_.emplace();
        std::ranges::copy(digest, stored_->sha256);
        stored_->size = size;
        stored_->offset = offset;
    }

    /// Lets time pass until the client is in this state.
    bool until(std::uint8_t state, Duration time_max = 3600s) {
        const Instant end = core_now + time_max;
        while (ota.state != state && core_now < end) step();
        return ota.state == state;
    }
    void passes(Duration duration) {
        const Instant end = core_now + duration;
        while (core_now < end) step();
    }

    void step() {
        const std::uint32_t next_ms = fwb_ota_poll(&ota, now_ms());
        if (next_ms != 0) rig_.passes(std::min<Duration>(std::chrono::milliseconds(next_ms), 20ms), {&guest_});
        for (const std::string& one : std::exchange(guest_.got, {}))
            if (!rng_.one_in(lost_one_in)) arrives(one);
    }

    std::string image() const { return {flash.begin(), flash.begin() + ota.cursor.size}; }

    fwb_ota ota{};
    std::vector<char> flash = std::vector<char>(flash_bytes, '\xff');
    std::uint64_t lost_one_in = 1'000'000;  // messages, in either direction
    std::uint64_t doubled_one_in = 1'000'000;
    int writes = 0;
    int requests = 0;
    int manifests = 0;  // that began a download
    bool fails_to_write = false;
    bool fails_to_read = false;
    bool is_busy = false;

private:
    static Bootloader& self(void* io) { return *static_cast<Bootloader*>(io); }

    int ask(std::string_view request) {
        if (is_busy) return FWB_EBUSY;
        ++requests;
        const int copies = rng_.one_in(lost_one_in) ? 0 : rng_.one_in(doubled_one_in) ? 2 : 1;
        for (int i = 0; i < copies; ++i) guest_.publishes("ota/get/dev1", request, wire::QoS::at_least_once);
        return FWB_OK;
    }

    int write(std::uint32_t offset, const std::uint8_t* data, std::uint16_t bytes) {
        REQUIRE(offset + bytes <= flash.size());
        std::memcpy(flash.data() + offset, data, bytes);
        ++writes;
        if (writes % 16 == 0) stored_ = ota.cursor;  // before this block: the last one is written again after a reset
        return fails_to_write ? 1 : 0;
    }

    void arrives(const std::string& message) {
        const std::string_view payload = std::string_view(message).substr(message.find(' ') + 1);
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(payload.data());
        const auto size = static_cast<std::uint16_t>(payload.size());
        if (message.starts_with("ota/block/")) {
            for (int i = rng_.one_in(doubled_one_in) ? 2 : 1; i > 0; --i) fwb_ota_block(&ota, bytes, size, now_ms());
        } else if (fwb_ota_manifest(&ota, bytes, size)) {
            ++manifests;
            stored_ = ota.cursor;
        }
    }

    /// A clock of 32 bits that wraps around soon.
    static std::uint32_t now_ms() {
        return static_cast<std::uint32_t>(core_now.time_since_epoch() / 1ms) + 0xFFFFF000U;
    }

    Rig& rig_;
    Rng rng_;
    Guest guest_;
    fwb_ota_config config_{};
    auth::Digest256 running_{};
    std::optional<fwb_ota_cursor> stored_;
};

TEST_CASE("download: an image arrives byte for byte, in as many requests as it has blocks") {
    for (const std::size_t size : {1U, 79U, 80U, 81U, 16'000U}) {
        Rig rig;
        const std::string image = firmware(size);
        rig.folder.has("boiler@1", image);
        Bootloader device(rig, 1);
        REQUIRE(device.until(FWB_OTA_READY));
        CHECK(device.image() == image);
        CHECK(device.requests == static_cast<int>((size + block_bytes - 1) / block_bytes));
        CHECK(device.writes == device.requests);
        CHECK(fwb_ota_poll(&device.ota, 0) == UINT32_MAX);
    }
}

TEST_CASE("download: lost and doubled messages and two resets of the device cost repetitions only") {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        Rig rig;
        const std::string image = firmware(8000, static_cast<unsigned>(seed));
        rig.folder.has("boiler@1", image);
        Bootloader device(rig, seed);
        device.doubled_one_in = 4;
        Rng rng(seed);
        // A lost manifest comes again when the device subscribes again; here the line is good until it has come.
        REQUIRE(device.until(FWB_OTA_FETCHING));
        device.lost_one_in = 5;
        for (int reset = 0; reset < 2; ++reset) {
            const int before = device.writes + 20 + static_cast<int>(rng.below(20));
            for (int i = 0; i < 1'000'000 && device.writes < before; ++i) device.step();
            REQUIRE(device.writes == before);
            device.resets();
            CHECK(device.ota.state == FWB_OTA_FETCHING);
        }
        REQUIRE(device.until(FWB_OTA_READY));
        CHECK(device.image() == image);
        CHECK(device.writes < 100 + 2 * 17);  // each reset repeats at most what was not stored
    }
}

TEST_CASE("download: the server restarts under way, and the device goes on") {
    Rig rig;
    const std::string image = firmware(8000);
    rig.folder.has("boiler@1", image);
    Bootloader device(rig, 1);
    REQUIRE(device.until(FWB_OTA_FETCHING));
    while (device.writes < 30) device.step();
    rig.server.reset();
    rig.starts();
    REQUIRE(device.until(FWB_OTA_READY));
    CHECK(device.image() == image);
    CHECK(device.writes == 100);
    CHECK(device.manifests == 1);
}

TEST_CASE("download: another image under way begins anew, and a reset goes on with the new one") {
    Rig rig;
    rig.folder.has("boiler@1", firmware(8000, 1));
    Bootloader device(rig, 1);
    REQUIRE(device.until(FWB_OTA_FETCHING));
    while (device.writes < 30) device.step();
    const std::string image = firmware(6000, 2);
    SUBCASE("the file is replaced") { rig.folder.has("boiler@1", image); }
    SUBCASE("a newer file lies beside it") {
        rig.folder.dates("boiler@1", 60);
        rig.folder.has("boiler@2", image);
    }
    SUBCASE("the file is written to") { rig.folder.overwrites("boiler@1", image); }
    while (device.manifests < 2) device.step();
    CHECK(device.ota.cursor.offset == 0);
    device.resets();
    REQUIRE(device.until(FWB_OTA_READY));
    CHECK(device.image() == image);
}

TEST_CASE("download: an image that is away for a while is asked for again, after the longest pause") {
    Rig rig;
    const std::string image = firmware(8000);
    rig.folder.has("boiler@1", image);
    Bootloader device(rig, 1);
    REQUIRE(device.until(FWB_OTA_FETCHING));
    while (device.writes < 30) device.step();
    std::filesystem::rename(rig.folder.path / "boiler@1", rig.folder.path / ".away");
    device.passes(10min);
    CHECK(device.ota.state == FWB_OTA_FETCHING);
    CHECK(device.requests <= 30 + 2 + 600 / 16);
    std::filesystem::rename(rig.folder.path / ".away", rig.folder.path / "boiler@1");
    REQUIRE(device.until(FWB_OTA_READY));
    CHECK(device.image() == image);
    CHECK(device.writes == 100);
}

TEST_CASE("download: flash that holds something else is found by the hash, and fetched again") {
    Rig rig;
    const std::string image = firmware(1000);
    rig.folder.has("boiler@1", image);
    Bootloader device(rig, 1);
    REQUIRE(device.until(FWB_OTA_CHECKING));
    device.flash[999] = static_cast<char>(device.flash[999] ^ 1);
    REQUIRE(device.until(FWB_OTA_DAMAGED));
    const int asked = device.requests;
    device.passes(1min);
    CHECK(device.requests == asked);
    fwb_ota_restart(&device.ota);
    REQUIRE(device.until(FWB_OTA_READY));
    CHECK(device.image() == image);
}

TEST_CASE("download: flash that cannot be written or read ends it") {
    Rig rig;
    rig.folder.has("boiler@1", firmware(1000));
    Bootloader device(rig, 1);
    SUBCASE("write") { device.fails_to_write = true; }
    SUBCASE("read") { device.fails_to_read = true; }
    REQUIRE(device.until(FWB_OTA_BROKEN));
    CHECK(fwb_ota_poll(&device.ota, 0) == UINT32_MAX);
}

TEST_CASE("download: a client that is busy is asked again soon, and the pause does not grow") {
    Rig rig;
    rig.folder.has("boiler@1", firmware(1000));
    Bootloader device(rig, 1);
    device.is_busy = true;
    REQUIRE(device.until(FWB_OTA_FETCHING));
    device.passes(1min);
    CHECK(device.requests == 0);
    device.is_busy = false;
    CHECK(device.until(FWB_OTA_READY, 2s));
}

TEST_CASE("download: a stored cursor of the image that runs is left over, and is not fetched or installed again") {
    for (const std::uint32_t offset : {0U, 960U, 1000U}) {
        CAPTURE(offset);
        Rig rig;
        const std::string image = firmware(1000);
        Bootloader device(rig, 1);
        std::ranges::copy(image, device.flash.begin());
        device.knows_running(auth::sha256(as_bytes(image)));
        device.has_stored(auth::sha256(as_bytes(image)), 1000, offset);
        device.resets();
        device.passes(1min);
        CHECK(device.ota.state == FWB_OTA_IDLE);
        CHECK(device.requests == 0);
    }
}

TEST_CASE("download: the image that runs is not fetched, and a present one is not fetched twice") {
    Rig rig;
    const std::string image = firmware(1000);
    rig.folder.has("boiler@1", image);
    Bootloader device(rig, 1);
    SUBCASE("running") {
        device.knows_running(auth::sha256(as_bytes(image)));
        device.passes(1min);
        CHECK(device.ota.state == FWB_OTA_IDLE);
        CHECK(device.requests == 0);
        rig.folder.has("boiler@2", firmware(500, 2));
        CHECK(device.until(FWB_OTA_READY));
    }
    SUBCASE("fetched") {
        REQUIRE(device.until(FWB_OTA_READY));
        const auto manifest = manifest_bytes(1000, auth::sha256(as_bytes(image)), "1");
        CHECK(fwb_ota_manifest(&device.ota, manifest.data(), static_cast<std::uint16_t>(manifest.size())) == 0);
        CHECK(device.ota.state == FWB_OTA_READY);
    }
}

struct Ram {
    std::string stored;
    int asked = 0;
};

fwb_ota_config ram_config() {
    fwb_ota_config config{};
    config.ask = [](void* io, const std::uint8_t*, std::uint8_t) { return static_cast<Ram*>(io)->asked++ * 0; };
    config.write = [](void* io, std::uint32_t offset, const std::uint8_t* data, std::uint16_t bytes) {
        Ram& ram = *static_cast<Ram*>(io);
        REQUIRE(offset == ram.stored.size());
        ram.stored.append(reinterpret_cast<const char*>(data), bytes);
        return 0;
    };
    config.read = [](void*, std::uint32_t, std::uint8_t*, std::uint16_t) { return 1; };
    config.block_bytes = 8;
    config.answer_ms = 100;
    return config;
}

/// What the client does with an answer of `size` bytes at an address of its own, so that a sanitizer sees each byte
/// that is read beyond the end.
int gives(fwb_ota& ota, const std::string& text, std::uint32_t now_ms = 0) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    return fwb_ota_block(&ota, bytes.data(), static_cast<std::uint16_t>(bytes.size()), now_ms);
}

TEST_CASE("download: answers that were not asked for, truncated at each byte, too long or too short, are ignored") {
    Ram ram;
    const fwb_ota_config config = ram_config();
    const std::string image = firmware(20);
    const auto manifest = manifest_bytes(20, auth::sha256(as_bytes(image)), "");
    fwb_ota ota;
    fwb_ota_init(&ota, &config, &ram, nullptr);
    const std::string good = answer(id_of(image), 0, Status::data, image.substr(0, 8));
    CHECK(gives(ota, good) == 0);  // before the manifest
    for (std::size_t size = 0; size < manifest.size(); ++size) {
        const std::vector<std::uint8_t> part(manifest.begin(), manifest.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK(fwb_ota_manifest(&ota, part.data(), static_cast<std::uint16_t>(size)) == 0);
    }
    CHECK(fwb_ota_manifest(&ota, manifest.data(), static_cast<std::uint16_t>(manifest.size())) == 1);
    for (std::size_t size = 0; size <= answer_head_bytes; ++size) CHECK(gives(ota, good.substr(0, size)) == 0);
    CHECK(gives(ota, good + "x") == 0);                                                            // 9 bytes of data
    CHECK(gives(ota, answer(id_of(image) + 1, 0, Status::data, image.substr(0, 8))) == 0);         // another image
    CHECK(gives(ota, answer(id_of(image), 8, Status::data, image.substr(8, 8))) == 0);             // another offset
    CHECK(gives(ota, answer(id_of(image), 0, static_cast<Status>(99), image.substr(0, 8))) == 0);  // another status
    CHECK(ram.stored.empty());
    CHECK(gives(ota, good.substr(0, 12)) == 1);  // a server may send less than was asked for
    CHECK(gives(ota, good) == 0);                // a repetition
    CHECK(gives(ota, answer(id_of(image), 3, Status::data, image.substr(3, 8))) == 1);
    CHECK(gives(ota, answer(id_of(image), 11, Status::data, image.substr(11, 8))) == 1);
    CHECK(gives(ota, answer(id_of(image), 19, Status::data, image.substr(19, 1) + "x")) == 0);  // beyond the end
    CHECK(gives(ota, answer(id_of(image), 19, Status::data, image.substr(19, 1))) == 1);
    CHECK(ram.stored == image);
    CHECK(ota.state == FWB_OTA_CHECKING);
}

TEST_CASE("download: repetitions double their pause four times, and the clock may wrap around between them") {
    Ram ram;
    const fwb_ota_config config = ram_config();
    const auto manifest = manifest_bytes(20, auth::sha256(as_bytes(firmware(20))), "");
    fwb_ota ota;
    fwb_ota_init(&ota, &config, &ram, nullptr);
    fwb_ota_manifest(&ota, manifest.data(), static_cast<std::uint16_t>(manifest.size()));
    std::uint32_t now = 0xFFFFFF00U;
    std::vector<std::uint32_t> pauses;
    for (int i = 0; i < 7; ++i) {
        pauses.push_back(fwb_ota_poll(&ota, now));
        CHECK(fwb_ota_poll(&ota, now + pauses.back() - 1) == 1);  // not before
        now += pauses.back();
    }
    CHECK(pauses == std::vector<std::uint32_t>{100, 200, 400, 800, 1600, 1600, 1600});
    CHECK(ram.asked == 7);
}

TEST_CASE("download: a stored cursor that makes no sense is no image") {
    Ram ram;
    const fwb_ota_config config = ram_config();
    fwb_ota ota;
    fwb_ota_cursor cursor{};
    std::memset(&cursor, 0xFF, sizeof cursor);
    cursor.size = 100;
    for (const std::uint32_t offset : {101U, 0xFFFFFFFFU}) {
        cursor.offset = offset;
        fwb_ota_init(&ota, &config, &ram, &cursor);
        CHECK(ota.state == FWB_OTA_IDLE);
    }
    cursor.offset = 100;
    fwb_ota_init(&ota, &config, &ram, &cursor);
    CHECK(ota.state == FWB_OTA_CHECKING);
    cursor.size = 0;
    cursor.offset = 0;
    fwb_ota_init(&ota, &config, &ram, &cursor);
    CHECK(ota.state == FWB_OTA_IDLE);
}

TEST_CASE("download: the stored cursor of the image that runs by now asks for nothing, and overwrites nothing") {
    Ram ram;
    fwb_ota_config config = ram_config();
    fwb_ota_cursor cursor{};
    std::memset(cursor.sha256, 7, sizeof cursor.sha256);
    cursor.size = 100;
    cursor.offset = 90;
    config.running = cursor.sha256;
    fwb_ota ota;
    fwb_ota_init(&ota, &config, &ram, &cursor);
    CHECK(ota.state == FWB_OTA_IDLE);
    CHECK(fwb_ota_poll(&ota, 0) == UINT32_MAX);
    CHECK(ram.asked == 0);
}

}  // namespace
}  // namespace ledge::ota
