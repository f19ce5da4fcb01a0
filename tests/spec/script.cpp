// Script: the loop around the shard, virtual time, failure messages.
#include "script.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "ledge/base/log_events.hpp"
#include "ledge/broker/options.hpp"
#include "spec.hpp"

namespace ledge::spec {

namespace {

constexpr std::size_t trace_lines_shown = 24;
constexpr int deadlines_max = 200'000;  // in one passes()
constexpr int pump_rounds_max = 10'000;

broker::ShardOptions default_options() {
    broker::ShardOptions options;
    options.listeners.resize(1);
    options.listeners[0].name = "main";
    options.listeners[0].allow_anonymous = true;
    options.sys_interval = Duration::zero();
    return options;
}

}  // namespace

SpecName::SpecName(std::string_view name) { all().push_back(name); }

std::vector<std::string_view>& SpecName::all() {
    static std::vector<std::string_view> names;
    return names;
}

Script::Script(Version version, Tweak tweak)
    : version_(version),
      options_(default_options()),
      log_(LogLevel::debug, &Script::log_sink, this),
      now_(Instant() + 1h) {
    if (tweak != nullptr) tweak(options_);
    shard_ = std::make_unique<broker::Shard>(options_, log_, 0x5eed, now_);
}

Script::~Script() {
    for (auto& [name, client] : clients_)
        if (client->connection_ != nullptr) shard_->on_closed(*client->connection_, now_);
}

Client& Script::client(std::string_view name) {
    const auto found = clients_.find(name);
    if (found != clients_.end()) return *found->second;
    auto& place = clients_[std::string(name)];
    place = std::make_unique<Client>(*this, std::string(name));
    return *place;
}

Script& Script::passes(Duration duration, Here at) {
    const Instant target = now_ + duration;
    note("-- " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms pass");
    for (int rounds = 0; shard_->next_deadline() <= target; ++rounds) {
        if (rounds == deadlines_max) fail(at, "the shard asks for on_time again and again");
        now_ = std::max(now_, shard_->next_deadline());
        shard_->on_time(now_);
        pump(at);
    }
    now_ = target;
    shard_->on_time(now_);
    pump(at);
    return *this;
}

void Script::nothing_else(Here at) {
    pump(at);
    for (auto& [name, client] : clients_) {
        client->settle(at);
        if (!client->inbox_.empty()) fail(at, name + ": nobody asked for " + describe(client->inbox_.front()));
        if (!client->is_close_noticed_) fail(at, name + ": was closed by the broker");
    }
    CHECK(clients_.size() > 0);
}

void Script::shuts_down(Here at) {
    note("-- the broker shuts down");
    shard_->shut_down(now_);
    pump(at);
}

void Script::pump(Here at) {
    for (int rounds = 0; rounds < pump_rounds_max; ++rounds) {
        bool is_busy = false;
        while (session::Connection* connection = shard_->next_dirty()) {
            auto* client = static_cast<Client*>(connection->link());
            is_busy = client->drain() || is_busy;
        }
        for (auto& [name, client] : clients_) is_busy = client->digest(at) || is_busy;
        if (!is_busy) return;
    }
    fail(at, "the broker does not come to rest");
}

void Script::note(std::string line) { trace_.push_back(std::move(line)); }

void Script::fail(Here at, const std::string& message) {
    const char* version = version_ == v5 ? "5.0" : version_ == v311 ? "3.1.1" : "3.1";
    std::string out = message + "\nbefore that (" + version + "):";
    const std::size_t first = trace_.size() > trace_lines_shown ? trace_.size() - trace_lines_shown : 0;
    for (std::size_t line = first; line < trace_.size(); ++line) out += "\n    " + trace_[line];
    ADD_FAIL_AT(at.file, at.line, out);
    std::abort();  // not reached: the line above throws
}

void Script::log_sink(void* context, const LogRecord& record) {
    std::string line = "   log: ";
    format_text(record, line);
    static_cast<Script*>(context)->note(std::move(line));
    CHECK(mismatch_with_table(record) == "");
}

}  // namespace ledge::spec
