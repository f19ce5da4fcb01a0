// How far the messages of a session and of a subscription have been sent, as their records in the store say it.
#pragma once

#include <cstdint>

#include "ledge/base/ids.hpp"

namespace ledge::journal {

/// How far the messages of a session have been sent, as its record in the store says. The positions are rows of the
/// session's queue.
struct SendingProgress {
    /// Any row may have been sent: the session has since sent from an older backlog, or an older release wrote the
    /// record.
    static constexpr QueueRow unknown{~std::uint64_t{0}};

    QueueRow sent_until = no_row;      // unfinished rows up to this one were sent
    QueueRow doubted_until = unknown;  // unfinished rows up to this one may have been sent
    QueueRow known_until = no_row;     // the record says nothing about later rows: a later row may have been sent if it
                                       // was stored while the client was connected, otherwise it was not sent
    std::uint16_t id_shift = 0;        // packet id minus row, modulo 65,535; not 0 after exchanges of an older release
};

/// How far the retained messages have been sent to one subscription. The subscription's record keeps the progress over
/// a restart.
struct FeedProgress {
    std::uint64_t as_of = 0;     // messages retained later are sent as live messages; 0 = no retained messages remain
    std::uint64_t position = 0;  // topics before this position have been examined (broker/retained.hpp)
    std::uint16_t rounds = 0;    // further SUBSCRIBEs before the first message was sent; each repeats the whole feed

    bool operator==(const FeedProgress&) const = default;
};

}  // namespace ledge::journal
