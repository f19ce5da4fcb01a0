#include "ledge/session/outbox.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "ledge/base/rng.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

void put(Outbox& outbox, std::string_view text) { outbox.append_copy(as_bytes(text)); }

void put_reference(Outbox& outbox, std::string_view text) {
    const Blob blob = Blob::copy_of(as_bytes(text));
    outbox.append_reference(blob, blob.bytes());
}

std::string random_text(Rng& rng, std::size_t size) {
    std::string text(size, ' ');
    for (char& c : text) c = static_cast<char>('a' + rng.below(26));
    return text;
}

TEST_CASE("an empty outbox gathers nothing") {
    BufferPool pool;
    Outbox outbox(pool);
    Bytes parts[4];
    CHECK(outbox.empty());
    CHECK(outbox.gather(parts) == 0);
    outbox.append_copy({});
    outbox.append_reference(Blob(), {});
    CHECK(outbox.empty());
    outbox.consume(0);
    outbox.clear();
    CHECK(outbox.gather(parts) == 0);
}

TEST_CASE("small frames become one piece, a reference stands between what came before and after it") {
    BufferPool pool;
    Outbox outbox(pool);
    put(outbox, "one ");
    put(outbox, "two ");
    const Blob blob = Blob::copy_of(as_bytes("payload "));
    outbox.append_reference(blob, blob.bytes());
    CHECK(blob.references() == 2);
    put(outbox, "three");
    Bytes parts[4];
    REQUIRE(outbox.gather(parts) == 3);
    CHECK(as_text(parts[0]) == "one two ");
    CHECK(parts[1].data() == blob.data());
    CHECK(as_text(parts[2]) == "three");
    CHECK(outbox.size() == 21);
    // Fewer places than pieces: the front of it.
    REQUIRE(outbox.gather({parts, 2}) == 2);
    REQUIRE(outbox.gather({parts, 1}) == 1);
    CHECK(as_text(parts[0]) == "one two ");
    outbox.consume(21);
    CHECK(blob.references() == 1);
}

TEST_CASE("references side by side, first and last, need no bytes between them") {
    BufferPool pool;
    Outbox outbox(pool);
    for (const char* text : {"a", "bc", "def"}) put_reference(outbox, text);
    CHECK(unsent(outbox) == "abcdef");
    outbox.consume(2);
    CHECK(unsent(outbox) == "cdef");
    put(outbox, "g");
    CHECK(unsent(outbox) == "cdefg");
    outbox.consume(4);
    CHECK(unsent(outbox) == "g");
}

TEST_CASE("every partial consume leaves exactly the rest") {
    const std::string whole = "head1PAYLOADONEhead2head3PAYLOADTWOtail";
    for (std::size_t first = 0; first <= whole.size(); ++first) {
        for (std::size_t second = 0; first + second <= whole.size(); ++second) {
            BufferPool pool;
            Outbox outbox(pool);
            put(outbox, "head1");
            put_reference(outbox, "PAYLOADONE");
            put(outbox, "head2");
            put(outbox, "head3");
            put_reference(outbox, "PAYLOADTWO");
            put(outbox, "tail");
            outbox.consume(first);
            outbox.consume(second);
            REQUIRE(unsent(outbox) == whole.substr(first + second));
            REQUIRE(outbox.size() == whole.size() - first - second);
        }
    }
}

TEST_CASE("a seeded run of every operation shows what a string would") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Rng rng(seed);
        BufferPool pool;
        Outbox outbox(pool);
        std::string model;
        for (int step = 0; step < 400; ++step) {
            const std::string text = random_text(rng, rng.one_in(20) ? rng.below(9000) : rng.below(60));
            switch (rng.below(5)) {
                case 0:
                case 1: put(outbox, text), model += text; break;
                case 2: put_reference(outbox, text), model += text; break;
                case 3: {
                    const std::size_t count = rng.below(model.size() + 1);
                    outbox.consume(count);
                    model.erase(0, count);
                    break;
                }
                default:
                    if (rng.one_in(8)) outbox.clear(), model.clear();
                    break;
            }
            REQUIRE(outbox.size() == model.size());
            REQUIRE(unsent(outbox) == model);
        }
    }
}

TEST_CASE("it grows, and what was consumed makes room again") {
    BufferPool pool;
    Outbox outbox(pool);
    const std::string frame(1000, 'x');
    for (int i = 0; i < 100; ++i) put(outbox, frame);
    CHECK(outbox.size() == 100'000);
    // A reader as fast as the writer: the buffer does not grow although a million bytes pass through it.
    for (int i = 0; i < 1000; ++i) {
        outbox.consume(1000);
        put(outbox, frame);
        REQUIRE(outbox.size() == 100'000);
    }
    Bytes parts[2];
    REQUIRE(outbox.gather(parts) == 1);
    CHECK(std::ranges::all_of(parts[0], [](Byte b) { return b == 'x'; }));
}

TEST_CASE("a buffer goes back to the pool when nothing is left, and is used again") {
    BufferPool pool;
    const Byte* memory = nullptr;
    {
        Outbox outbox(pool);
        memory = outbox.append(10).data();
        outbox.consume(10);
        CHECK(outbox.append(10).data() == memory);
    }
    Outbox another(pool);
    CHECK(another.append(10).data() == memory);
    another.clear();
    Outbox third(pool);
    CHECK(third.append(10).data() == memory);
}

TEST_CASE("the pool keeps no buffer above largest_kept, and retained_bytes_max in all") {
    BufferPool pool;
    CHECK(pool.take(1).capacity == BufferPool::smallest);
    CHECK(pool.take(5000).capacity == 8192);
    const std::size_t before = live_bytes();
    pool.give_back({});
    pool.give_back(pool.take(BufferPool::largest_kept + 1));
    CHECK(live_bytes() == before);

    std::vector<BufferPool::Buffer> many;
    for (int i = 0; i < 40; ++i) many.push_back(pool.take(BufferPool::largest_kept));
    for (BufferPool::Buffer& buffer : many) pool.give_back(std::move(buffer));
    many.clear();
    many.shrink_to_fit();
    CHECK(live_bytes() - before >= BufferPool::retained_bytes_max);
    CHECK(live_bytes() - before <= BufferPool::retained_bytes_max + 4096);
}

}  // namespace
}  // namespace ledge::session
