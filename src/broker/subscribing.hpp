// Subscribing: carries out SUBSCRIBE and UNSUBSCRIBE. It checks each filter, changes the table of subscriptions,
// answers with SUBACK or UNSUBACK, and starts to send retained messages. Owned by the shard; on the shard's thread.
#pragma once

#include <string_view>
#include <vector>

#include "ledge/auth/rights.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/wire/packets.hpp"
#include "retained_feeds.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class Subscribing {
public:
    // Bounds for the work that one packet can cause. Entries above a bound are refused without being examined: with
    // 0x97 in SUBACK, and with 0x83 in UNSUBACK, which has no 0x97. UNSUBACK of 3.x cannot refuse, so the connection
    // closes.
    static constexpr std::size_t entries_max = 262'144;             // entries of one SUBSCRIBE or UNSUBSCRIBE
    static constexpr std::uint64_t rules_compared_max = 4'000'000;  // wildcard filters times rules of the client
    static constexpr std::size_t judged_min = 64;  // filters checked against the rules whatever the cost

    struct Services {
        const Log& log;
        session::MemoryBudget& memory;
        session::Counters& counters;
        session::Tracer& tracer;
        journal::Journal& journal;
    };

    Subscribing(const Services& services, Subscriptions& subscriptions, RetainedFeeds& feeds)
        : services_(services), subscriptions_(subscriptions), feeds_(feeds) {}

    void add(session::Connection& connection, const wire::Subscribe& packet, Instant now);
    void remove(session::Connection& connection, const wire::Unsubscribe& packet);

private:
    /// Whether a filter is accepted; if not, the reason, and the limit that was exceeded.
    struct Judgement {
        wire::ReasonCode code = wire::ReasonCode::success;
        std::string_view key{};   // configuration key of the limit; "" = a fixed limit, or none
        std::uint64_t value = 0;  // the value that exceeds the limit
        std::uint64_t limit = 0;  // 0 = the reason is not a number limit
        auth::Verdict verdict{};  // of the rules, when they deny the filter
    };

    wire::ReasonCode add_one(session::Connection& connection, const wire::SubscribeEntry& entry, std::uint32_t id);
    wire::ReasonCode remove_one(session::Connection& connection, std::string_view filter);
    void refuse_remove(session::Connection& connection, const wire::Unsubscribe& packet);
    Judgement judge(const session::Connection& connection, std::string_view filter);
    Judgement judge_form(const session::SessionLimits& limits, std::string_view filter) const;
    Judgement judge_rights(const session::Session& session, std::string_view filter);
    Judgement judge_room(const session::Connection& connection, std::string_view filter) const;
    bool has_memory_for_more(const session::Session& session) const;
    void note_refusal(session::Connection& connection, std::string_view filter, const Judgement& why);
    void log_refusal(const session::Connection& connection, std::string_view filter, const Judgement& why,
                     std::string_view rule);
    void begin_packet();
    void answer(session::Connection& connection, wire::PacketType type, wire::PacketId id);

    Services services_;
    Subscriptions& subscriptions_;
    RetainedFeeds& feeds_;
    // State of the packet that is being processed
    std::vector<Byte> codes_;     // reason codes of the answer, one for each entry so far
    std::string reason_;          // Reason String for the client: why the first refused filter is refused
    std::uint64_t compared_ = 0;  // rules compared so far
    std::size_t judged_ = 0;      // filters checked against the rules so far
};

}  // namespace ledge::broker
