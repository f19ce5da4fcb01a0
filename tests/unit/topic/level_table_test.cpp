#include "ledge/topic/detail/level_table.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ledge/base/text_hash.hpp"

using namespace ledge::topic::detail;
using ledge::TextHash;

TEST_CASE("a level is kept once and lives as long as it has users") {
    const TextHash hash(1);
    LevelTable levels(hash);
    const LevelId id = levels.acquire("kitchen");
    CHECK(levels.acquire("kitchen") == id);
    CHECK(levels.size() == 1);
    levels.release(id);
    CHECK(levels.find("kitchen") == id);
    levels.release(id);
    CHECK(levels.find("kitchen") == none);
    CHECK(levels.bytes() == 0);
}

TEST_CASE("levels of every length keep their text, the empty one too") {
    const TextHash hash(1);
    LevelTable levels(hash);
    std::vector<LevelId> ids;
    for (std::size_t size = 0; size < 40; ++size) ids.push_back(levels.acquire(std::string(size, 'x')));
    ids.push_back(levels.acquire(std::string(65'535, 'y')));
    for (std::size_t size = 0; size < 40; ++size) CHECK(levels.text(ids[size]) == std::string(size, 'x'));
    CHECK(levels.text(ids.back()).size() == 65'535);
    CHECK(levels.bytes() > 65'535);
    for (const LevelId id : ids) levels.release(id);
    CHECK(levels.bytes() == 0);
}

TEST_CASE("long levels in use are freed with the table") {
    const TextHash hash(1);
    LevelTable levels(hash);
    levels.acquire(std::string(1000, 'x'));  // the address sanitizer watches
    CHECK(levels.bytes() > 1000);
}
