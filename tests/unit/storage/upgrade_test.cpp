#include "upgrade.hpp"

#include <doctest/doctest.h>

#include "rig.hpp"

namespace ledge::storage {
namespace {

int add_row(Txn& txn, const Tables& tables) { return txn.put(tables[Table::msg], Key::of(1).bytes(), as_bytes("one")); }

int change_row(Txn& txn, const Tables& tables) {
    const auto row = txn.get(tables[Table::msg], Key::of(1).bytes());
    if (!row) return row.error();
    return txn.put(tables[Table::msg], Key::of(2).bytes(), as_bytes("two"));
}

constexpr Upgrade steps[] = {{1, add_row}, {2, change_row}};

struct Rig {
    Rig()
        : env(std::move(*Env::open({.path = dir.file("data.mdb"), .size_max = 1'048'576}))),
          txn(std::move(*Txn::begin(env, false))),
          tables(*Tables::open(txn, true)) {}

    test::TempDir dir;
    Env env;
    Txn txn;
    Tables tables;
};

TEST_CASE("a store goes through every step from its version on, and its meta row says so") {
    Rig rig;
    Meta meta;
    CHECK(upgrade(rig.txn, rig.tables, meta, steps, 3) == lmdb_ok);
    CHECK(meta.version == 3);
    CHECK(read_meta(rig.txn)->version == 3);
    CHECK(rig.txn.get(rig.tables[Table::msg], Key::of(2).bytes()).ok());
}

TEST_CASE("a step in the middle is enough for a store in the middle") {
    Rig rig;
    Meta meta;
    meta.version = 2;
    CHECK(upgrade(rig.txn, rig.tables, meta, steps, 3) == lmdb_not_found);  // its step misses what the first one made
    CHECK(meta.version == 2);
    REQUIRE(add_row(rig.txn, rig.tables) == lmdb_ok);
    CHECK(upgrade(rig.txn, rig.tables, meta, steps, 3) == lmdb_ok);
    CHECK(meta.version == 3);
}

TEST_CASE("a version that no step begins at cannot be upgraded; the present one needs none") {
    Rig rig;
    Meta meta;
    meta.version = 0;
    CHECK(upgrade(rig.txn, rig.tables, meta, steps, 3) == lmdb_not_found);
    meta.version = schema_version;
    CHECK(upgrade(rig.txn, rig.tables, meta, upgrades()) == lmdb_ok);
    CHECK(!read_meta(rig.txn));  // nothing was written
}

TEST_CASE("the steps of this build lead from the first version to the present one") {
    std::uint32_t version = 1;
    for (const Upgrade& step : upgrades()) CHECK(step.from == version++);
    CHECK(version == schema_version);
}

}  // namespace
}  // namespace ledge::storage
