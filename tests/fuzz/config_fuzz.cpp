// Any bytes as a configuration file. What is accepted is printed and must parse back to the same values.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/config/load.hpp"

namespace {

void require(bool is_true, const char* what) {
    if (is_true) return;
    std::fprintf(stderr, "config_fuzz: %s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ledge;
    const std::string_view text = as_text({data, size});
    config::Sources sources;
    sources.file = "fuzz.toml";
    // What follows a zero byte is a --set: zero bytes are not TOML.
    const std::size_t zero = text.find('\0');
    if (zero != std::string_view::npos) sources.set.emplace_back(text.substr(zero + 1));

    const config::Loaded loaded = config::parse(text.substr(0, zero), sources);
    require(loaded.complaints.size() <= config::complaints_max + 1, "complaints are not bounded");
    for (const config::Complaint& complaint : loaded.complaints) {
        require(complaint.text.size() < 4096, "a complaint is not bounded");
    }
    if (!loaded.ok()) return 0;
    require(!loaded.config.sockets.empty(), "accepted without a listener");
    require(loaded.config.sockets.size() == loaded.config.shard.listeners.size(), "listeners do not match");
    const config::Loaded again = config::parse(config::print(loaded.config), {});
    require(again.ok(), "what is printed is refused");
    require(config::differences(loaded.config, again.config).empty(), "what is printed means something else");
    return 0;
}
