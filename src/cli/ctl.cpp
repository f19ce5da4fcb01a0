#include "ledge/cli/ctl.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "api_client.hpp"
#include "event_reader.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/file.hpp"
#include "table.hpp"

namespace ledge::cli {
namespace {

using boost::json::object;
using boost::json::value;
using Answer = CtlCommand::Answer;

/// Clears a terminal before the next picture: home, then erase to the end.
constexpr std::string_view clear_screen = "\x1b[H\x1b[J";
constexpr Duration event_pause_max = 120s;  // an overview comes once in 60 s at least, and comments in between
constexpr Duration copy_time_max = 15min;   // the broker copies its store before it sends the first byte
constexpr std::string_view strange_answer = "the answer is not one of a LedgeMQ broker";

class Ctl {
public:
    Ctl(const CtlOptions& options, const Console& console)
        : options_(options), console_(console), command_(*options.command) {}

    int run() {
        if (std::string mistake = client_.prepare(options_); !mistake.empty()) return fail(mistake, exit_usage);
        int status = exit_done;
        switch (command_.answer) {
            case Answer::nothing:
            case Answer::facts: status = show_facts(); break;
            case Answer::rows: status = show_rows(); break;
            case Answer::events: status = show_events(); break;
            case Answer::overview: status = options_.local("watch").empty() ? show_facts() : show_events(); break;
            case Answer::file: status = save_file(); break;
        }
        return flush_answer() ? status : exit_refused;
    }

private:
    int show_facts();
    int show_rows();
    int show_events();
    int save_file();
    bool on_event(std::string_view name, std::string_view data);
    std::optional<int> ask(const std::string& after, net::HttpReply& reply);
    int fail_reply(const net::HttpReply& reply);
    int print_json(const std::string& body);
    void print_facts(const object& facts);
    int fail(const std::string& sentence, int status = exit_refused) const {
        console_.complain(sentence);
        return status;
    }
    /// The width of tables: a pipe gets them whole.
    std::size_t columns() const { return console_.is_terminal ? console_.columns : 0; }

    const CtlOptions& options_;
    const Console& console_;
    const CtlCommand& command_;
    ApiClient client_;
    bool is_failed_ = false;
};

/// Asks for one page. nullopt = the reply is a success.
std::optional<int> Ctl::ask(const std::string& after, net::HttpReply& reply) {
    const auto request = request_of(options_, after);
    if (!request) return fail(request.error(), exit_usage);
    reply = client_.ask(*request);
    if (reply.status / 100 == 2) return std::nullopt;
    return fail_reply(reply);
}

/// Status 0 means that no answer came.
int Ctl::fail_reply(const net::HttpReply& reply) {
    if (reply.status != 0) return fail(problem_text(reply.status, reply.body));
    std::string sentence = "the broker cannot be reached: " + reply.error;
    if (reply.is_unreachable && !options_.server.unix_path.empty())
        sentence +=
            "; is the broker running, and does its configuration have [admin] socket? --socket PATH and --url "
            "URL name another place";
    return fail(sentence);
}

int Ctl::print_json(const std::string& body) {
    return body.empty() || console_.write(shown(console_, body) + "\n") ? exit_done : exit_refused;
}

void Ctl::print_facts(const object& facts) { console_.write(facts_text(facts, columns())); }

int Ctl::show_facts() {
    net::HttpReply reply;
    if (const auto status = ask({}, reply)) return *status;
    if (options_.is_json) return print_json(reply.body);
    if (command_.answer == Answer::nothing || reply.body.empty()) return exit_done;
    boost::system::error_code error;
    const value answer = boost::json::parse(reply.body, error);
    if (error || !answer.is_object()) return fail(std::string(strange_answer));
    print_facts(answer.as_object());
    return exit_done;
}

/// All pages. The columns are as wide as the content of all of them, so the table is printed at the end.
int Ctl::show_rows() {
    boost::json::array rows;
    std::string after;
    do {
        net::HttpReply reply;
        if (const auto status = ask(after, reply)) return *status;
        boost::system::error_code error;
        const value page = boost::json::parse(reply.body, error);
        const auto* object = error ? nullptr : page.if_object();
        const auto* list = object == nullptr ? nullptr : object->if_contains(command_.list);
        if (list == nullptr || !list->is_array()) return fail(std::string(strange_answer));
        if (options_.is_json && print_json(reply.body) != exit_done) return exit_refused;
        if (!options_.is_json) rows.insert(rows.end(), list->as_array().begin(), list->as_array().end());
        const auto* next = object->if_contains("next");
        // The same cursor again would make this loop endless.
        std::string cursor = next != nullptr && next->is_string() ? std::string(next->as_string()) : std::string();
        if (!cursor.empty() && cursor == after) return fail(std::string(strange_answer));
        after = std::move(cursor);
    } while (!after.empty());
    if (options_.is_json) return exit_done;
    return console_.write(rows_text(rows, command_.columns, columns())) ? exit_done : exit_refused;
}

int Ctl::show_events() {
    const auto request = request_of(options_);
    if (!request) return fail(request.error(), exit_usage);
    EventReader reader([this](std::string_view name, std::string_view data) { return on_event(name, data); });
    const net::HttpReply reply =
        client_.ask(*request, event_pause_max, [&reader](std::string_view piece) { return reader.read(piece); });
    if (is_failed_) return exit_refused;
    // SIGINT is how a watch ends.
    if (client_.is_interrupted() || reply.status / 100 == 2) return exit_done;
    return fail_reply(reply);
}

/// One event of a trace is one line; one overview replaces the one before. Returns false to end.
bool Ctl::on_event(std::string_view name, std::string_view data) {
    boost::system::error_code error;
    const value parsed = boost::json::parse(data, error);
    is_failed_ = error || !parsed.is_object();
    if (is_failed_) return fail(std::string(strange_answer)), false;
    const object& event = parsed.as_object();
    if (options_.is_json) {
        is_failed_ = print_json(std::string(data)) != exit_done;
    } else if (name == "end") {
        console_.complain("the trace has ended: " +
                          value_text("reason", event.contains("reason") ? event.at("reason") : value()));
    } else if (name == "lost") {
        console_.complain("events of the trace are lost, because they came too fast: " + boost::json::serialize(event));
    } else if (name == "overview") {
        if (console_.is_terminal) console_.write(clear_screen);
        print_facts(event);
    } else {
        std::string line;
        for (const auto& member : event) {
            const std::string text = value_text({}, member.value());
            if (text.empty()) continue;
            if (!line.empty()) line += "  ";
            // The time and the stage need no name.
            if (member.key() != "t_us" && member.key() != "stage") line += safe_for_terminal(member.key()) + "=";
            line += safe_for_terminal(text);
        }
        is_failed_ = !console_.write(line + "\n");
    }
    // Whoever follows a stream sees each event at once.
    if (!flush_answer()) is_failed_ = true;
    return !is_failed_ && name != "end";
}

/// The bytes go to FILE.part, which gets the name FILE when all of them are on stable storage.
int Ctl::save_file() {
    const std::string path = options_.local("file");
    const bool is_forced = !options_.local("force").empty();
    if (!is_forced && os::file_size(path) > 0) return fail(quoted(path) + " exists already; --force replaces it");
    const auto request = request_of(options_);
    if (!request) return fail(request.error(), exit_usage);
    os::Draft draft(path + ".part");
    draft.remove_leftover();
    const os::Descriptor file = os::create_private_file(draft.path());
    if (!file.is_open()) return fail(quoted(draft.path()) + " cannot be created: " + std::strerror(errno));
    int problem = 0;
    std::uint64_t size = 0;
    const net::HttpReply reply = client_.ask(*request, copy_time_max, [&](std::string_view piece) {
        problem = os::write_all(file.get(), piece);
        size += piece.size();
        return problem == 0;
    });
    if (problem == 0 && (reply.status / 100 != 2 || !reply.error.empty())) return fail_reply(reply);
    if (problem == 0) problem = os::sync_file(file.get());
    using Existing = os::Draft::Existing;
    if (problem == 0) problem = draft.rename_to(path, is_forced ? Existing::replaced : Existing::kept);
    if (problem == 0) problem = os::sync_directory(os::parent_of(path));
    if (problem != 0) return fail(quoted(path) + " cannot be written: " + std::strerror(problem));
    console_.write(value_text("bytes", size) + " written to " + shown(console_, path) + "\n");
    return exit_done;
}

}  // namespace

int ctl(const CtlOptions& options, const Console& console) {
    LEDGE_ASSERT(options.command != nullptr);
    return Ctl(options, console).run();
}

}  // namespace ledge::cli
