// EventReader: server-sent events (HTML standard, section 9.2) from the pieces of an answer. Without I/O.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ledge::cli {

class EventReader {
public:
    static constexpr std::size_t event_bytes_max = 1024 * 1024;

    /// Gets each event: its name, "message" if it has none, and its data. Returns false to end.
    using OnEvent = std::function<bool(std::string_view name, std::string_view data)>;
    explicit EventReader(OnEvent on_event) : on_event_(std::move(on_event)) {}

    /// Reads a piece of the stream. Returns false when the owner wants no more, or an event is too large.
    bool read(std::string_view piece);

private:
    bool read_line(std::string_view line);

    OnEvent on_event_;
    std::string line_;  // the beginning of a line whose end has not come
    std::string name_;
    std::string data_;
};

}  // namespace ledge::cli
