// lines_fuzz: input := kind:u8 size:u8 rest. `rest` is what a device sends on its serial line. Pieces give the same
// lines as the whole, no line is longer than allowed, and behind the next end of a line a good line arrives. Each line
// becomes publications on valid topics below the configured one, of which none is the topic of the state.
#include <algorithm>
#include <string>

#include "input.hpp"
#include "ledge/lines/line_mapper.hpp"
#include "ledge/lines/line_reader.hpp"
#include "ledge/topic/name.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using namespace ledge::lines;
using fuzz::require;

std::string lines_of(LineReader& reader, Bytes stream, std::size_t piece_size, std::size_t bytes_max) {
    std::string all;
    while (!stream.empty()) {
        const Bytes part = stream.first(std::min(piece_size, stream.size()));
        stream = stream.subspan(part.size());
        const std::vector<Byte> alone(part.begin(), part.end());
        Bytes rest(alone);
        while (const auto line = reader.next(rest)) {
            require(!line->empty() && line->size() <= bytes_max, "a line has its size");
            require(as_text(*line).find_first_of("\r\n") == std::string_view::npos, "a line has no end inside");
            all.append(as_text(*line)).append("\n");
        }
        require(rest.empty(), "all input is used up");
    }
    return all;
}

Options options_of(unsigned kind) {
    Options options;
    options.topic = "m";
    if (kind & 1U) options.json_topic_member = "a";
    if (kind & 2U) options.json_members = Members::topics;
    if (kind & 4U) options.unparsed = Unparsed::drop;
    options.json_topic_slashes = (kind & 8U) != 0;
    if (kind & 16U) options.ignore_prefix = "#";
    return options;
}

void try_line(const Options& options, std::string_view line) {
    const MappedLine mapped = map_line(options, as_bytes(line));
    require(mapped.publications.size() <= members_max, "a line has a limited number of publications");
    std::size_t payload_bytes = 0;
    for (const Publication& one : mapped.publications) {
        const bool is_below = one.topic == options.topic || one.topic.starts_with(options.topic + "/");
        require(is_below, "a topic is the configured one, or below it");
        require(topic::is_valid_topic(one.topic, topic::levels_hard_max), "a topic is valid");
        require(one.topic.find('$') == std::string::npos || one.topic.find("/$") == std::string::npos,
                "no device forges the state");
        payload_bytes += one.payload.size();
    }
    // An escape such as \n shrinks, and none grows.
    require(payload_bytes <= line.size(), "payloads are not larger than the line");
    if (mapped.kind == MappedLine::Kind::ignored) require(mapped.publications.empty(), "what is ignored has gone");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const unsigned kind = input.byte();
    const std::size_t bytes_max = 1 + input.byte();
    const std::vector<Byte> stream = input.bytes(4096);
    LineReader whole(bytes_max);
    LineReader pieces(bytes_max);
    for (LineReader* reader : {&whole, &pieces}) {
        reader->open();
        if (kind & 32U) reader->expect_line_begin();
    }
    const std::string lines = lines_of(whole, stream, stream.size() + 1, bytes_max);
    require(lines == lines_of(pieces, stream, 1 + kind / 64, bytes_max), "pieces give the same lines");
    require(lines_of(whole, as_bytes("\nx\n"), 3, bytes_max).ends_with("x\n"), "the next line arrives");
    const Options options = options_of(kind);
    for (std::string_view rest = lines; !rest.empty();) {
        const std::size_t end = rest.find('\n');
        try_line(options, rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    return 0;
}
