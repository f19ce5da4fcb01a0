// The commands of `ledgemq ctl`, in one table: the words of the command line, the request of the API that each stands
// for, and how its answer is shown. config makes the command line of the table, ctl the request. Stateless.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/cli/options.hpp"

namespace ledge::cli {

/// A word or an option of a command, and its place in the request.
struct CtlArgument {
    enum class Place : std::uint8_t {
        path,      // replaces {member} in the path
        query,     // a query parameter; of a flag: true
        text,      // a member of the body
        number,    // the same, a number
        flag,      // the same, true; the option has no value
        payload,   // the member "payload", or "payload_base64" if the bytes are no text
        property,  // one pair NAME=VALUE of the list `member`; may be given several times
        local,     // no part of the request
    };
    std::string_view name;   // of the option, "--seconds"; of a word of the command line: "" = it has no name
    std::string_view value;  // what the help calls the value, "S"; "" = a flag
    std::string_view member;
    Place place = Place::text;
    bool is_required = false;
    std::string_view help;
};

struct CtlCommand {
    /// How an answer is shown; with --json always as it is.
    enum class Answer : std::uint8_t {
        nothing,   // there is none, or it says nothing new
        facts,     // an object, as lines of name and value, with a table for each list of objects
        rows,      // the list `list` of an object, as a table, with all pages
        events,    // server-sent events
        overview,  // facts, or with --watch events with such facts
        file,      // bytes for a file
    };
    std::string_view name;  // "kick"; of a group: "bridges pause"
    std::string_view help;
    std::string_view method;
    std::string_view path;  // below /api/v1
    std::span<const CtlArgument> arguments;
    Answer answer = Answer::nothing;
    std::string_view list = {};                      // Answer::rows
    std::span<const std::string_view> columns = {};  // Answer::rows: members, "queue.bytes"; empty = all
};

/// All commands, in the order of the help. The name of a group ("bridges") stands before its commands.
std::span<const CtlCommand> ctl_commands();

struct CtlOptions {
    ServerAddress server;  // of the API: a Unix socket, or a server of HTTP
    TlsFileOptions tls;
    std::string token_file;  // "" = no token is sent
    bool is_json = false;
    const CtlCommand* command = nullptr;
    std::vector<std::pair<const CtlArgument*, std::string>> values;  // in the order of the table; of a flag: "true"

    /// The value of an argument that is no part of the request; "" = it is not given.
    std::string local(std::string_view member) const;
};

}  // namespace ledge::cli
