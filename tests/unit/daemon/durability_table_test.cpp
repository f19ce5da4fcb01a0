#include "durability_table.hpp"

#include <doctest/doctest.h>

#include "ledge/config/config.hpp"
#include "ledge/journal/journal_options.hpp"

namespace ledge::daemon {
namespace {

using journal::Durability;

config::Config with_store() {
    config::Config config;
    config.store.path = "/var/lib/ledgemq";
    return config;
}

TEST_CASE("without a store nothing survives") {
    CHECK(durability_table({}) == "store: none; sessions and messages end with the broker\n");
}

TEST_CASE("one level: one part of the table") {
    CHECK(durability_table(with_store()) ==
          "store: /var/lib/ledgemq\n"
          "what acknowledged messages survive:\n"
          "  durable (every topic)\n"
          "    process crash all\n"
          "    power cut     all, if the disk keeps what it confirms\n"
          "    full disk     all; new ones are refused from 85 % on\n"
          "    corrupt file  what can still be read; the file is kept\n");
}

TEST_CASE("each level that some topic has is shown, with its topics and its interval") {
    config::Config config = with_store();
    config.shard.durability.level = Durability::relaxed;
    config.shard.durability.journal.lazy_interval = 250ms;
    config.shard.durability.overrides = {{"raw/#", Durability::ram}, {"a", Durability::ram}};
    const std::string table = durability_table(config);
    CHECK(table.find("durable") == std::string::npos);
    CHECK(table.find("  relaxed (every other topic)\n    process crash all but the last 250 ms\n") !=
          std::string::npos);
    CHECK(table.find("  ram (raw/#, a)\n    process crash none\n") != std::string::npos);
    config.store.daily_write_budget_bytes = 1;  // may widen the interval
    CHECK(durability_table(config).find("all but the last 4000 ms") != std::string::npos);
}

}  // namespace
}  // namespace ledge::daemon
