// `ledgemq explain`: asks the same rights as the broker would for one client, and prints the rule that decides.
#include "explain.hpp"

#include <cstdio>

#include "commands.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::daemon {
namespace {

/// "receive" is judged like a delivery: by the topic of one message, with the right to read.
/// "subscribe" is judged like a SUBSCRIBE, by a filter: the answer tells only whether some message may be delivered.
auth::Verdict judge(const auth::Rights& rights, const config::Command::Explain& question) {
    if (question.verb == "subscribe") return rights.judge_subscription(question.topic);
    return rights.judge(question.topic, question.verb == "publish" ? auth::Access::write : auth::Access::read);
}

}  // namespace

std::string rules_beside(const std::vector<config::BridgeSettings>& bridges) {
    if (bridges.empty()) return {};
    std::string names;
    for (const config::BridgeSettings& one : bridges) names += (names.empty() ? "" : ", ") + one.name;
    return "the rules do not concern the bridges (" + names +
           "): a bridge is a part of the broker, and its routes say what it carries";
}

Explanation explain(const config::Command::Explain& question, const auth::Policy& policy,
                    const std::vector<config::BridgeSettings>& bridges) {
    // With tokens, a hook or given roles, a user need not be in the password file.
    const bool knows_others = policy.tokens || policy.hook || !question.roles.empty();
    if (question.user && policy.passwords && !knows_others && policy.passwords->find(*question.user) == nullptr)
        return {"denied: user " + *question.user + " is not in the password file and cannot log in\n", false};
    // The broker refuses such a publication before it asks the ACL.
    if (question.verb == "publish" && session::belongs_to_broker(question.topic))
        return {"denied: $SYS/ belongs to the broker\n", false};
    if (!policy.acl) return {"allowed: there is no auth.acl_file, everybody may do everything\n", true};
    // The ACL knows only names that are proven. Without a source of users, a name in CONNECT is not used.
    std::optional<std::string_view> user;
    std::string note;
    if (question.user && (policy.passwords || knows_others))
        user = *question.user;
    else if (question.user)
        note = "note: without auth.password_file a user name proves nothing; the client counts as anonymous\n";
    if (user && knows_others && question.roles.empty())
        note +=
            "note: a token or the authentication hook may add roles, and the acl claim of a token replaces all other "
            "rights; this answer covers only the rights that the ACL gives the user name\n";
    const auth::Rights rights(*policy.acl, user, question.client_id, question.roles);
    const auth::Verdict verdict = judge(rights, question);
    std::string text = (verdict.is_allowed ? "allowed: " : "denied: ") + rights.explain(verdict) + "\n";
    if (question.verb == "subscribe" && verdict.is_allowed && topic::has_wildcards(question.topic))
        note += "note: each message is judged by its own topic when it is delivered\n";
    if (!bridges.empty()) note += "note: " + rules_beside(bridges) + "\n";
    return {text + note, verdict.is_allowed};
}

int explain(const config::Command::Explain& question, const config::Loaded& loaded) {
    if (!question.key.empty()) {
        const auto answer = config::explain_key(loaded, question.key);
        if (!answer) {
            fail(answer.error());
            return config::exit_bad_configuration;
        }
        const bool is_written = std::fputs(answer->c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
        return is_written ? config::exit_ok : config::exit_failure;
    }
    // An invalid topic would get an answer about rules, which would hide the mistake.
    const bool is_topic = question.verb == "subscribe" ? topic::is_valid_filter(question.topic, topic::levels_hard_max)
                                                       : topic::is_valid_topic(question.topic, topic::levels_hard_max);
    if (!is_topic) {
        fail("'" + question.topic + "' is not a topic" + (question.verb == "subscribe" ? " filter" : ""));
        return config::exit_bad_configuration;
    }
    const Explanation answer = explain(question, *loaded.policy, loaded.config.bridges);
    // A script may read the answer from the exit status, so an answer that is not written counts as a denial.
    const bool is_written = std::fputs(answer.text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return answer.is_allowed && is_written ? config::exit_ok : config::exit_failure;
}

}  // namespace ledge::daemon
