// SPEC("v3 [MQTT-3.1.0-2] v5 [MQTT-3.1.0-2] a second CONNECT is a protocol error") { ... } registers a doctest case
// and the clauses its name holds. `v3` (the 3.1.1 standard) and `v5` say to which standard the ids after them belong;
// without a mark they are of 5.0.
#pragma once

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

#include "script.hpp"

namespace ledge::spec {

struct SpecName {
    explicit SpecName(std::string_view name);
    /// Names of all SPECs of this binary.
    static std::vector<std::string_view>& all();
};

}  // namespace ledge::spec

#define SPEC(name)                                                            \
    static const ::ledge::spec::SpecName DOCTEST_ANONYMOUS(spec_name_)(name); \
    TEST_CASE(name)
