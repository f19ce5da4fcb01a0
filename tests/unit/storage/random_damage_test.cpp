// 450 copies of one store, each damaged in its own way. For each of them: `store verify` finds the damage, or every row
// reads as it was written; the broker starts; and what starts serves clients that connect afterwards.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "guarded.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/tools.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

constexpr std::uint64_t session_count = 6;
constexpr std::size_t page_size = 4096;

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string client_id(std::uint64_t session) { return "client-" + std::to_string(session); }

/// Several pages in every table, rows of their own pages, pages that are free, retained messages old and new.
void make_store(const TempDir& dir) {
    auto store = open(dir);
    Writer w;
    for (std::uint64_t s = 1; s <= session_count; ++s) {
        w.put(RecordKind::session, s, 0, session_record(client_id(s)));
        for (std::uint64_t i = 1; i <= 20; ++i)
            w.put(RecordKind::subscription, s, i, subscription("a/" + std::to_string(i) + std::string(40, 'f')));
        w.put(RecordKind::subscription, s, 21, subscription("all/#"));
        w.put(RecordKind::received, s, 7);
    }
    for (std::uint64_t m = 101; m <= 160; ++m) {
        const std::string payload(m % 20 == 0 ? 5000 : 150, 'm');
        const auto bytes = static_cast<std::uint32_t>(3 + payload.size());
        w.put(RecordKind::message, 0, m, publication("a/b", payload));
        for (std::uint64_t s = m % 3 + 1; s <= session_count; s += 3) w.put(RecordKind::queued, s, m, queued(m, bytes));
    }
    for (std::uint64_t r = 201; r <= 230; ++r)
        w.put(RecordKind::retained, 0, r, publication("r/" + std::to_string(r), std::string(r % 2 ? 1500 : 30, 'r')));
    w.next_number = 300;
    REQUIRE(store->commit(w.take()).ok());
    for (std::uint64_t m = 101; m <= 120; ++m) {
        for (std::uint64_t s = m % 3 + 1; s <= session_count; s += 3) w.drop(RecordKind::queued, s, m);
        w.drop(RecordKind::message, 0, m);
    }
    for (std::uint64_t r = 201; r <= 205; ++r)
        w.put(RecordKind::retained, 0, r, publication("r/" + std::to_string(r), "new"));
    w.next_number = 300;
    REQUIRE(store->commit(w.take()).ok());
    store->close(Instant(2000s));
}

const char* damage(std::string& content, Rng& rng) {
    const std::size_t pages = content.size() / page_size;
    const std::size_t page = rng.below(pages) * page_size;
    const auto flip = [&] {
        const std::size_t bit = rng.below(content.size() * 8);
        content[bit / 8] = static_cast<char>(static_cast<unsigned char>(content[bit / 8]) ^ (1U << (bit % 8)));
    };
    switch (rng.below(6)) {
        case 0: flip(); return "one bit flipped";
        case 1:
            for (int i = 0; i < 8; ++i) flip();
            return "eight bits flipped";
        case 2: std::fill_n(&content[page], page_size, '\0'); return "a page of zeros";
        case 3:
            for (std::size_t i = 0; i < 512; ++i) content[page + rng.below(8) * 512 + i % 512] = char(rng.next());
            return "a sector of noise";
        case 4: content.resize(rng.below(content.size())); return "cut off";
        default:
            std::swap_ranges(&content[page], &content[page] + page_size, &content[rng.below(pages) * page_size]);
            return "two pages swapped";
    }
}

/// Clients of a shard in virtual time.
class Visitors {
public:
    explicit Visitors(Store& store)
        : store_(store), image_(load(store)), shard_(options(), log_, 1, image_, store.reader()) {}

    /// A client connects, gets what waits, publishes and goes. Whether it was served.
    bool serves(std::string_view id) {
        session::Connection* connection = shard_.open({0, "192.0.2.1:1"}, nullptr, now_);
        if (connection == nullptr) return false;
        got_.clear();
        send(*connection, connect_packet(id));
        const bool is_accepted = got_.size() > 3 && static_cast<unsigned char>(got_[0]) == 0x20 && got_[3] == 0;
        got_.clear();
        // PUBLISH, QoS 1, "all/x", packet id 9
        send(*connection, std::string("\x32\x0A\x00\x05"
                                      "all/x"
                                      "\x00\x09\x00",
                                      12));
        const bool is_acknowledged = got_.find(std::string("\x40", 1)) != std::string::npos;
        if (connection_ended_) return false;
        shard_.on_closed(*connection, now_);
        settle(nullptr);
        return is_accepted && is_acknowledged;
    }

private:
    static broker::ShardOptions options() {
        broker::ShardOptions options;
        options.listeners.push_back({"main", true, 100, {}});
        options.sys_interval = Duration::zero();
        options.durability.journal.is_enabled = true;
        return options;
    }

    /// v5, clean start 0, session expiry an hour
    static std::string connect_packet(std::string_view id) {
        std::string packet("\x10\x00\x00\x04MQTT\x05\x00\x00\x00\x05\x11\x00\x00\x0E\x10\x00", 19);
        packet += static_cast<char>(id.size());
        packet += id;
        packet[1] = static_cast<char>(packet.size() - 2);
        return packet;
    }

    void send(session::Connection& connection, std::string_view bytes) {
        shard_.on_bytes(connection, as_bytes(bytes), now_);
        settle(&connection);
    }

    void settle(session::Connection* connection) {
        for (int turn = 0; turn < 10; ++turn) {
            now_ += 1s;
            shard_.on_time(now_);
            if (shard_.wants_commit(now_)) {
                const auto report = store_.commit(shard_.take_batch(now_));
                if (report)
                    shard_.on_committed(report->last, report->used_fraction, now_);
                else
                    shard_.on_store_failed(now_);
            }
            if (connection != nullptr) drain(*connection);
            while (shard_.next_dirty() != nullptr) {
            }
        }
    }

    void drain(session::Connection& connection) {
        std::array<Bytes, 8> parts;
        while (!connection.outbox().empty()) {
            const std::size_t count = connection.outbox().gather(parts);
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < count; ++i) {
                got_ += as_text(parts[i]);
                bytes += parts[i].size();
            }
            connection.outbox().consume(bytes);
            shard_.on_drained(connection, now_);
        }
        connection_ended_ = connection_ended_ || connection.is_closing();
    }

    Store& store_;
    const Log log_{};
    journal::StoreImage image_;
    broker::Shard shard_;
    Instant now_ = image_.now;
    std::string got_;
    bool connection_ended_ = false;
};

/// In a child: the broker starts with the file and serves everybody whom it knows, and a stranger.
bool starts_and_serves(const TempDir& dir) {
    const auto work = [&](GuardedOut&) {
        auto store = open_lmdb_store(options_for(dir), {});
        if (!store) return false;
        {
            Visitors visitors(**store);
            for (std::uint64_t s = 1; s <= session_count; ++s)
                if (!visitors.serves(client_id(s))) return false;
            if (!visitors.serves("stranger")) return false;
        }
        return true;
    };
    return run_guarded(
               work, [](Bytes) {}, 60'000) == GuardedEnd::fine;
}

TEST_CASE("450 randomly damaged files: verify finds each or it reads right, each starts and serves") {
    TempDir source;
    make_store(source);
    const std::string whole = read_file(source.file("data.mdb"));
    std::string expected;
    {
        auto store = open(source);
        expected = to_text(*store);
    }
    int found = 0;
    int read_right = 0;
    int put_aside = 0;
    for (std::uint64_t seed = 1; seed <= 450; ++seed) {
        Rng rng(seed);
        std::string content = whole;
        const std::string kind = damage(content, rng);
        CAPTURE(seed);
        CAPTURE(kind);
        TempDir dir;
        std::ofstream(dir.file("data.mdb"), std::ios::binary).write(content.data(), std::streamsize(content.size()));
        const auto verdict = verify(dir.path(), [](std::string_view) {});
        const bool is_found = !verdict || !verdict.value();
        std::filesystem::remove(dir.file("data.mdb-lock"));
        if (!is_found) {
            TempDir copy;
            std::filesystem::copy_file(dir.file("data.mdb"), copy.file("data.mdb"));
            auto store = open_lmdb_store(options_for(copy), {});
            REQUIRE(store.ok());
            CHECK(to_text(**store) == expected);
        }
        ++(is_found ? found : read_right);
        CHECK(starts_and_serves(dir));
        put_aside += std::filesystem::exists(dir.file("data.mdb.corrupt-1")) ? 1 : 0;
    }
    MESSAGE("450 damaged files: ", found, " found, ", read_right, " read right, ", put_aside, " put aside");
    CHECK(found > 200);
}

}  // namespace
}  // namespace ledge::storage::test
