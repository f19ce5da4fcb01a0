// /reload and /log-level: what an operator changes about the running program.
#include <algorithm>
#include <chrono>

#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

constexpr std::size_t reloads_max = 16;  // requests that wait for a reload
constexpr NumberRange log_level_seconds{1, 86'400};

void write_texts(JsonWriter& body, std::string_view key, const std::vector<std::string>& texts) {
    body.begin_list(key);
    for (const std::string& text : texts) body.element(text);
    body.end_list();
}

std::optional<LogLevel> level_of(std::string_view word) {
    if (word == "debug") return LogLevel::debug;
    if (word == "info") return LogLevel::info;
    if (word == "warning") return LogLevel::warning;
    if (word == "error") return LogLevel::error;
    return std::nullopt;
}

/// Waits until the time of another log level is over.
class LogLevelEnd final : public Ongoing {
public:
    LogLevelEnd(Site& site, Instant at) : site_(site), at_(at), change_(site.log_level_changes) {}
    std::optional<Instant> go_on(Instant now) override {
        if (change_ != site_.log_level_changes) return std::nullopt;  // a later change decides
        if (now < at_) return at_;
        site_.operations.set_log_level(site_.operations.configured_log_level());
        return std::nullopt;
    }

private:
    Site& site_;
    Instant at_;
    std::uint64_t change_;
};

}  // namespace

/// Answers when the outcome is known: answer_reload().
void reload(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    if (!site.operations.reload) return request.refuse(503, "this broker has no configuration to read again");
    if (site.reloads_waiting.size() + site.reloads_begun.size() >= reloads_max)
        return request.refuse(503, "too many requests wait for a reload");
    site.reloads_waiting.push_back(std::move(request));
    site.operations.reload();
}

void answer_reload(ApiRequest& request, const ReloadOutcome& outcome) {
    JsonWriter body;
    body.boolean("taken", outcome.is_taken);
    write_texts(body, "complaints", outcome.complaints);
    write_texts(body, "needs_restart", outcome.restart_keys);
    request.answer(body);
}

/// Without `seconds` the level stays until a reload or a restart.
void put_log_level(Site& site, ApiRequest request) {
    const auto word = request.text("level");
    const auto seconds = request.number("seconds", log_level_seconds);
    const auto level = word ? level_of(*word) : std::nullopt;
    if (!level) request.complain("level", "must be one of: debug, info, warning, error");
    if (request.refuse_if_wrong()) return;
    if (!site.operations.set_log_level) return request.refuse(503, "this broker has no log with levels");
    ++site.log_level_changes;
    site.operations.set_log_level(*level);
    JsonWriter body;
    body.text("level", *word);
    if (seconds) {
        const Instant end = site.now() + std::chrono::seconds(*seconds);
        site.ongoing.add(std::make_unique<LogLevelEnd>(site, end));
        body.number("until_s", *seconds);
    }
    request.answer(body);
}

}  // namespace ledge::admin
