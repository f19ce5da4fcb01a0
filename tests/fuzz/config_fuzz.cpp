// Any bytes as a configuration file, and as an ACL. A configuration that is accepted is printed and must parse back to
// the same values; an ACL explains what it decides.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "acl_toml.hpp"
#include "ledge/auth/rights.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/config/load.hpp"

namespace {

void require(bool is_true, const char* what) {
    if (is_true) return;
    std::fprintf(stderr, "config_fuzz: %s\n", what);
    std::abort();
}

void bounded(const std::vector<ledge::config::Complaint>& complaints) {
    require(complaints.size() <= ledge::config::complaints_max + 1, "complaints are not bounded");
    for (const auto& complaint : complaints) require(complaint.text.size() < 4096, "a complaint is not bounded");
}

void read_acl(std::string_view text) {
    using namespace ledge;
    const auto acl = config::read_acl_toml(text, "acl.toml");
    if (!acl) return bounded(acl.error());
    const std::string roles[] = {"operator"};
    for (const char* client : {"c", "a/b"}) {
        const auth::Rights rights(*acl, "ann", client, roles);
        for (const char* topic : {"plant/1", "devices/ann/c/x", "$SYS/x"}) {
            const auth::Verdict verdict = rights.judge(topic, auth::Access::read);
            require(verdict.is_allowed == (verdict.rule != nullptr && !verdict.rule->is_denial), "no rule grants it");
            require(verdict.is_allowed == rights.judge_subscription(topic).is_allowed,
                    "a subscription is judged apart");
            require(!rights.explain(verdict).empty(), "a decision without a reason");
        }
        require(acl->size() > 0 || !rights.judge_subscription("#").is_allowed, "an empty file grants something");
    }
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
    bounded(loaded.complaints);
    read_acl(text.substr(0, zero));
    if (!loaded.ok()) return 0;
    require(!loaded.config.sockets.empty(), "accepted without a listener");
    require(loaded.config.sockets.size() == loaded.config.shard.listeners.size(), "listeners do not match");
    const config::Loaded again = config::parse(config::print(loaded.config), {});
    require(again.ok(), "what is printed is refused");
    require(config::differences(loaded.config, again.config).empty(), "what is printed means something else");
    return 0;
}
