#include "ledge/lines/counters.hpp"

namespace ledge::lines {

std::string_view name_of(Loss loss) {
    switch (loss) {
        case Loss::stale: return "stale";
        case Loss::too_long: return "too_long";
        case Loss::rate: return "rate";
        case Loss::unparsed: return "unparsed";
        case Loss::bad_level: return "bad_level";
        case Loss::waiting_full: return "waiting_full";
        case Loss::refused: return "refused";
        case Loss::line_end: return "line_end";
        case Loss::command_too_long: return "command_too_long";
        case Loss::command_expired: return "command_expired";
        case Loss::command_unsent: return "command_unsent";
    }
    return "";
}

}  // namespace ledge::lines
