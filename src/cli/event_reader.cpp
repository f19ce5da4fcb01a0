#include "event_reader.hpp"

#include <utility>

namespace ledge::cli {

bool EventReader::read(std::string_view piece) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        line_ += piece.substr(0, end);
        if (line_.size() + data_.size() > event_bytes_max) return false;
        if (end == std::string_view::npos) return true;
        piece.remove_prefix(end + 1);
        if (line_.ends_with('\r')) line_.pop_back();
        const std::string line = std::exchange(line_, {});
        if (!read_line(line)) return false;
    }
    return true;
}

/// A line is "field: value"; an empty line ends the event. Comments (":...") and other fields have no meaning here.
bool EventReader::read_line(std::string_view line) {
    if (line.empty()) {
        const std::string name = std::exchange(name_, {});
        const std::string data = std::exchange(data_, {});
        return data.empty() || on_event_(name.empty() ? "message" : name, data);
    }
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") name_ = value;
    if (field == "data") data_ += (data_.empty() ? "" : "\n") + std::string(value);
    return true;
}

}  // namespace ledge::cli
