// SUBSCRIBE and UNSUBSCRIBE, done: each filter judged, the table changed, SUBACK / UNSUBACK, retained messages.
#pragma once

#include <string_view>
#include <vector>

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
    // What one packet may cost. The entries beyond are answered without a look at them: 0x97 in SUBACK, 0x83 in
    // UNSUBACK, which has no 0x97. UNSUBACK of 3.x cannot say no: the connection ends.
    static constexpr std::size_t entries_max = 262'144;             // of a SUBSCRIBE or UNSUBSCRIBE
    static constexpr std::uint64_t rules_compared_max = 4'000'000;  // wildcard filters times rules of the client
    static constexpr std::size_t judged_min = 64;                   // so many are judged, whatever they cost

    struct Services {
        const Log& log;
        session::MemoryBudget& memory;
        session::Counters& counters;
        journal::Journal& journal;
    };

    Subscribing(const Services& services, Subscriptions& subscriptions, RetainedFeeds& feeds)
        : services_(services), subscriptions_(subscriptions), feeds_(feeds) {}

    void add(session::Connection& connection, const wire::Subscribe& packet, Instant now);
    void remove(session::Connection& connection, const wire::Unsubscribe& packet);

private:
    /// Why a filter is refused, with the limit that was met, if it was one.
    struct Judgement {
        wire::ReasonCode code = wire::ReasonCode::success;
        std::string_view key{};  // of the limit, in the configuration; "": it is fixed
        std::uint64_t value = 0;
        std::uint64_t limit = 0;  // 0: it was no limit
        auth::Verdict verdict{};  // of the rules, when they refuse it
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
    // Of the present packet
    std::vector<Byte> codes_;
    std::string reason_;  // why the first one that is refused is, for the client
    std::uint64_t compared_ = 0;
    std::size_t judged_ = 0;
};

}  // namespace ledge::broker
