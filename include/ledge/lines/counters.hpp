// Counters: what one port of lines has done, for metrics and the log. LinePort counts; the owner reads.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ledge::lines {

/// Why a line, or a command, went no further. Each is counted once, for its first reason.
enum class Loss : std::uint8_t {
    // Lines from the device
    stale,         // the rest of a line that had begun before the port was opened, or noise of the opening
    too_long,      // above line_bytes_max
    rate,          // above lines_per_second
    unparsed,      // no JSON object with the members that the options ask for (Unparsed::drop)
    bad_level,     // a member or value of JSON that cannot be a level of a topic; its publication is missing
    waiting_full,  // lines_waiting_max: the broker does not acknowledge fast enough, and the oldest line gave way
    refused,       // the broker has answered the publication by an error code
    // Commands to the device
    line_end,          // a line end inside: it would be two commands
    command_too_long,  // above line_bytes_max
    command_expired,   // its Message Expiry Interval ended before the port was open
    command_unsent,    // QoS 0, and the port was closed or had too many commands to write
};

inline constexpr std::size_t loss_count = 11;

/// A word for the log and for metrics, for example "too_long".
std::string_view name_of(Loss loss);
/// True for a loss of a command, false for that of a line.
inline bool is_of_command(Loss loss) { return loss >= Loss::line_end; }

struct Counters {
    std::uint64_t bytes_in = 0;       // from the device
    std::uint64_t lines_in = 0;       // whole lines from the device, lost ones included; an empty line is none
    std::uint64_t lines_ignored = 0;  // begun with ignore_prefix
    std::uint64_t unparsed = 0;       // lines that went to TOPIC/unparsed
    std::uint64_t publications = 0;   // handed to the client of the broker
    std::uint64_t commands = 0;       // written to the port
    std::array<std::uint64_t, loss_count> losses{};

    void count(Loss loss) { ++losses[static_cast<std::size_t>(loss)]; }
    std::uint64_t of(Loss loss) const { return losses[static_cast<std::size_t>(loss)]; }
};

}  // namespace ledge::lines
