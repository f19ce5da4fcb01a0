// LineMapper: what a line of text becomes: its topic or topics, and the payloads. Stateless but for its options.
//
//     options                              line                            publications
//     topic = "m"                          anything                        m = the line
//     json_topic_member = "id"             {"id":"t1","c":20.50}           m/t1 = the line
//     json_members = topics                {"id":"t1","c":20.50}           m/id = t1, m/c = 20.50
//     both                                 {"id":"t1","c":20.50}           m/t1/c = 20.50
//     json..., unparsed = publish          boot v1.2                       m/unparsed = the line
//
// The device chooses levels of topics, so a level is checked: is_usable_level().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/lines/options.hpp"

namespace ledge::lines {

inline constexpr std::size_t level_bytes_max = 64;  // of all levels that one value of JSON adds
inline constexpr std::size_t levels_max = 8;        // that one value of JSON adds, with json_topic_slashes
inline constexpr std::size_t members_max = 64;      // of one line; an object with more is not parsed

/// True: `text` may become a level of a topic. It has 1 to level_bytes_max bytes of UTF-8, no wildcard, no control
/// character, no '$' at its beginning, and is not unparsed_level. With `may_have_slashes` it may be several such
/// levels.
bool is_usable_level(std::string_view text, bool may_have_slashes);

struct Publication {
    std::string topic;
    std::string payload;
};

struct MappedLine {
    enum class Kind : std::uint8_t {
        published,  // as the options want it
        ignored,    // the line begins with ignore_prefix
        unparsed,   // not what the options ask for; published on TOPIC/unparsed, or without any publication
    };
    Kind kind = Kind::published;
    std::vector<Publication> publications;
    std::size_t bad_levels = 0;  // members that cannot be a level of a topic; they have no publication
};

/// Requires a line that is not empty.
MappedLine map_line(const Options& options, Bytes line);

}  // namespace ledge::lines
