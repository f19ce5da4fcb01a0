#include "event_reader.hpp"

#include <doctest/doctest.h>

using ledge::cli::EventReader;

namespace {

/// The events of a stream that comes in pieces of `size` bytes: "name:data;" for each.
std::string events_of(std::string_view stream, std::size_t size) {
    std::string text;
    EventReader reader([&text](std::string_view name, std::string_view data) {
        text += std::string(name) + ":" + std::string(data) + ";";
        return name != "end";
    });
    while (!stream.empty()) {
        const std::string_view piece = stream.substr(0, size);
        stream.remove_prefix(piece.size());
        if (!reader.read(piece)) return text + "ended";
    }
    return text;
}

}  // namespace

TEST_CASE("events are read the same in pieces of every size") {
    constexpr std::string_view stream =
        ": a comment\n\nevent: overview\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\nid: 7\n\nevent: end\ndata: "
        "{}\n\n"
        "event: late\ndata: x\n\n";
    for (const std::size_t size : {1U, 2U, 7U, 1000U})
        CHECK(events_of(stream, size) == "overview:{\"a\":1};message:one\ntwo;end:{};ended");
}

TEST_CASE("an event without an end does not grow for ever") {
    EventReader reader([](std::string_view, std::string_view) { return true; });
    const std::string piece(64 * 1024, 'x');
    std::size_t read = 0;
    while (reader.read(piece)) read += piece.size();
    CHECK(read <= EventReader::event_bytes_max);
}
