#include "row_seal.hpp"

#include <doctest/doctest.h>

#include "loss_finder.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

std::vector<Byte> sealed(Table table, Bytes key, const std::vector<Byte>& body) {
    std::vector<Byte> value = body;
    value.resize(body.size() + seal_size);
    write_seal(&value[body.size()], seal_of(table, key, body));
    return value;
}

TEST_CASE("the checksum is CRC-32C, of the whole of what it is given") {
    CHECK(checksum_of(as_bytes("123456789")) == 0xE3069283U);  // the check value that its definition names
    const Key key = Key::of(7);
    CHECK(seal_of(Table::message, key.bytes(), as_bytes("ab"), as_bytes("c")) ==
          seal_of(Table::message, key.bytes(), as_bytes("abc")));
}

TEST_CASE("a row opens only as it was written: no bit of key or value changed, nothing cut off, in no other table") {
    const Key key = Key::of(7, 9);
    const std::vector<Byte> body = queued(3, 4);
    const std::vector<Byte> value = sealed(Table::queued, key.bytes(), body);
    REQUIRE(open_row(Table::queued, key.bytes(), value));
    CHECK(as_text(*open_row(Table::queued, key.bytes(), value)) == as_text(body));
    for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
        std::vector<Byte> flipped = value;
        flipped[bit / 8] = static_cast<Byte>(flipped[bit / 8] ^ (1U << (bit % 8)));
        CHECK(!open_row(Table::queued, key.bytes(), flipped));
    }
    for (std::size_t bit = 0; bit < key.bytes().size() * 8; ++bit) {
        std::vector<Byte> flipped(key.bytes().begin(), key.bytes().end());
        flipped[bit / 8] = static_cast<Byte>(flipped[bit / 8] ^ (1U << (bit % 8)));
        CHECK(!open_row(Table::queued, flipped, value));
    }
    for (std::size_t size = 0; size < value.size(); ++size)
        CHECK(!open_row(Table::queued, key.bytes(), Bytes(value).first(size)));
    CHECK(!open_row(Table::subscription, key.bytes(), value));
    CHECK(!open_row(Table::queued, Key::of(7, 10).bytes(), value));
}

/// The sessions that have lost something, after rows in their order.
struct Losses {
    std::vector<std::uint64_t> sessions{1, 2, 3, 5, 8};
    std::vector<std::uint64_t> found;
    LossFinder finder{Table::subscription, sessions, found};

    static Key key(std::uint64_t session) { return Key::of(session, 1); }
    void sound(std::uint64_t session) { finder.on_sound(key(session).bytes()); }
    /// A row of `session` that turns up under the key of another one.
    void renamed(std::uint64_t session, std::uint64_t key_of) {
        finder.on_bad(key(key_of).bytes(), sealed(Table::subscription, key(session).bytes(), subscription("a")));
    }
    void changed(std::uint64_t session) {
        std::vector<Byte> value = sealed(Table::subscription, key(session).bytes(), subscription("a"));
        value[0] ^= 1U;
        finder.on_bad(key(session).bytes(), value);
    }
    std::vector<std::uint64_t> ends() {
        finder.on_end();
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }
};
using Numbers = std::vector<std::uint64_t>;

TEST_CASE("a bad row costs its session, and no other") {
    Losses losses;
    losses.sound(1);
    losses.sound(2);
    losses.changed(3);
    losses.sound(5);
    CHECK(losses.ends() == Numbers{3});
}

TEST_CASE("a row under a key that is wrong costs the session that it was of") {
    Losses unknown;
    unknown.sound(2);
    unknown.renamed(3, 4);  // there is no session 4
    unknown.sound(5);
    CHECK(unknown.ends() == Numbers{3});
    Losses known;
    known.sound(2);
    known.renamed(3, 5);
    known.sound(8);
    CHECK(known.ends() == Numbers{3, 5});  // nobody knows what stood under the key of 5
}

TEST_CASE("where nobody knows whose row it was, all that it can have been of are incomplete") {
    Losses losses;
    losses.sound(2);
    losses.changed(4);  // no such session, and the value is damaged, too
    losses.sound(5);
    losses.sound(8);
    CHECK(losses.ends() == Numbers{2, 3, 5});
    Losses gap;
    gap.sound(3);
    gap.finder.on_gap();
    CHECK(gap.ends() == Numbers{3, 5, 8});
    Losses front;
    front.finder.on_gap();
    front.sound(2);
    CHECK(front.ends() == Numbers{1, 2});
}

TEST_CASE("sound rows cost nobody anything") {
    Losses losses;
    for (const std::uint64_t session : losses.sessions) losses.sound(session);
    CHECK(losses.ends().empty());
}

}  // namespace
}  // namespace ledge::storage::test
