// Any bytes as a password file and as an ACL. What is accepted keeps its promises, for any user and topic.
#include <algorithm>
#include <string>

#include "ledge/auth/acl.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/topic/name.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using fuzz::require;

void bounded(const std::vector<auth::Problem>& problems) {
    require(!problems.empty() && problems.size() <= auth::problems_max, "problems are not bounded");
    for (const auth::Problem& problem : problems) require(problem.text.size() < 1000, "a problem is not bounded");
}

void read_passwords(std::string_view text, std::string_view user) {
    const auto file = auth::PasswordFile::parse(text);
    if (!file) return bounded(file.error());
    require((file->stand_in(user) == nullptr) == (file->size() == 0), "an unknown user costs nothing");
    if (const auth::PasswordFile::Entry* entry = file->find(user)) {
        require(entry->user == user && auth::is_user_name(user), "another user was found");
        const auto again = auth::parse_password_hash(auth::to_text(entry->hash));
        require(again && *again == entry->hash, "a hash does not go through its text");
    }
    if (!auth::is_user_name(user)) return;
    auth::PasswordHash hash;
    hash.iterations = 1;
    hash.salt_size = 4;
    const auto edited = auth::PasswordFile::parse(auth::with_password(text, user, hash));
    if (!edited) return;  // the text was near the limit of its size
    require(edited->find(user) != nullptr && edited->find(user)->hash == hash, "an edited entry is lost");
    const auto removed = auth::PasswordFile::parse(auth::without_user(text, user));
    require(removed.ok() && removed->find(user) == nullptr, "a removed user is there");
}

void read_acl(std::string_view text, std::string_view user, std::string_view client, std::string_view topic) {
    const auto acl = auth::Acl::parse(text, "f");
    if (!acl) return bounded(acl.error());
    const auth::Rights rights(*acl, user.empty() ? std::nullopt : std::optional(user), client);
    if (!topic::is_valid_filter(topic, topic::levels_hard_max)) return;
    const auth::Verdict subscription = rights.judge_subscription(topic);
    require(rights.explain(subscription).size() < 5000, "an explanation is not bounded");
    if (topic::has_wildcards(topic) || topic::is_shared(topic)) return;
    const bool may_receive = rights.may_receive(topic);
    require(subscription.is_allowed == may_receive, "a subscription to one topic is judged otherwise than the topic");
    const auth::Verdict verdict = rights.judge(topic, auth::Access::write);
    require(!verdict.is_allowed || (verdict.rule != nullptr && !verdict.rule->is_denial), "allowed without a rule");
    if (acl->size() == 0) require(!may_receive && !verdict.is_allowed, "an empty file grants something");
}

}  // namespace

// user 0 client 0 topic 0 text
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = as_text({data, size});
    std::string_view parts[3];
    for (std::string_view& part : parts) {
        part = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    }
    read_passwords(rest, parts[0]);
    read_acl(rest, parts[0], parts[1], parts[2]);
    return 0;
}
