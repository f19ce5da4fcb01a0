// shard_fuzz: input := (operation:u8 arguments)*: several clients that mostly speak correctly, in any order and at the
// worst moment. shard_script.cpp says which operation reads what.
#include "shard_script.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ledge::fuzz;
    ShardStage stage;
    ShardScript script(stage, Input(data, size));
    for (unsigned operations = 0; operations < 400 && script.perform_next(); ++operations) {
    }
    stage.end();
    return 0;
}
