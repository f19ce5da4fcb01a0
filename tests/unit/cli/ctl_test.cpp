// `ctl` against a scripted server at a Unix socket, on another thread. Nothing sleeps: every wait ends with an answer.
#include "ledge/cli/ctl.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/file.hpp"

using namespace ledge;
using namespace ledge::cli;

namespace {

std::string answer(std::string_view status, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}

std::string chunked(const std::vector<std::string>& pieces) {
    std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& piece : pieces) {
        std::array<char, 16> size{};
        std::snprintf(size.data(), size.size(), "%zx", piece.size());
        text += std::string(size.data()) + "\r\n" + piece + "\r\n";
    }
    return text;
}

constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Answers each request by the next of its texts, each over a connection of its own.
class ScriptedApi {
public:
    explicit ScriptedApi(std::vector<std::string> answers) {
        char name[] = "/tmp/ledge-ctl-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        folder = name;
        path = folder + "/api.sock";
        socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = os::SocketAddress::of_path(path);
        REQUIRE(::bind(socket_.get(), address->get(), address->size()) == 0);
        REQUIRE(::listen(socket_.get(), 4) == 0);
        thread_ = std::thread([this, answers = std::move(answers)] {
            for (const std::string& one : answers) serve(one);
        });
    }
    ~ScriptedApi() {
        thread_.join();
        ::unlink(path.c_str());
        ::unlink((folder + "/copy").c_str());
        ::rmdir(folder.c_str());
    }
    std::string folder;
    std::string path;
    std::vector<std::string> requests;  // their first lines; complete after join

private:
    void serve(const std::string& text) {
        const os::Descriptor peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::string request;
        std::array<char, 4096> buffer;
        // The requests of these tests have no body, or a short one that comes with the head.
        while (request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
            if (count <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(count));
        }
        requests.push_back(request.substr(0, request.find("\r\n")));
        ::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }

    os::Descriptor socket_;
    std::thread thread_;
};

struct Run {
    int status = -1;
    std::string out;
    std::string complaint;
};

using Values = std::vector<std::pair<std::string_view, std::string>>;

Run run_ctl(const std::string& socket, std::string_view name, const Values& values = {}, bool is_json = false) {
    CtlOptions options;
    options.server.unix_path = socket;
    options.is_json = is_json;
    for (const CtlCommand& one : ctl_commands()) {
        if (one.name == name) options.command = &one;
    }
    REQUIRE(options.command != nullptr);
    for (const auto& [member, value] : values) {
        for (const CtlArgument& argument : options.command->arguments) {
            if (argument.member == member) options.values.emplace_back(&argument, value);
        }
    }
    Run run;
    Console console;
    console.write = [&run](std::string_view text) { return run.out += text, true; };
    console.complain = [&run](std::string_view text) { run.complaint += std::string(text) + "\n"; };
    run.status = ctl(options, console);
    return run;
}

}  // namespace

TEST_CASE("all pages of a list become one table") {
    ScriptedApi api({answer("200 OK", R"({"clients":[{"client_id":"a","queue":{"messages":1}}],"next":"c1"})"),
                     answer("200 OK", R"({"clients":[{"client_id":"long-name","queue":{"messages":10}}]})")});
    const Run run = run_ctl(api.path, "clients", {{"state", "offline"}});
    CHECK(run.complaint.empty());
    CHECK(run.status == exit_done);
    CHECK(run.out ==
          "client id  queue messages\n"
          "a          1\n"
          "long-name  10\n");
    CHECK(api.requests == std::vector<std::string>{"GET /api/v1/clients?state=offline HTTP/1.1",
                                                   "GET /api/v1/clients?state=offline&after=c1 HTTP/1.1"});
}

TEST_CASE("a cursor that does not move ends the command, and not the patience") {
    const std::string page = answer("200 OK", R"({"bans":[],"next":"c1"})");
    ScriptedApi api({page, page});
    const Run run = run_ctl(api.path, "bans");
    CHECK(run.status == exit_refused);
    CHECK(run.complaint == "the answer is not one of a LedgeMQ broker\n");
}

TEST_CASE("--json prints the answer as it is") {
    ScriptedApi api({answer("200 OK", R"({"client_id":"a"})")});
    const Run run = run_ctl(api.path, "client", {{"client_id", "a"}}, true);
    CHECK(run.status == exit_done);
    CHECK(run.out == "{\"client_id\":\"a\"}\n");
}

TEST_CASE("an action without an answer prints nothing, and a refusal is one sentence") {
    ScriptedApi api(
        {"HTTP/1.1 204 No Content\r\n\r\n",
         answer("404 Not Found", R"({"title":"Not Found","status":404,"detail":"no client has this id"})")});
    Run run = run_ctl(api.path, "kick", {{"client_id", "a"}});
    CHECK(run.status == exit_done);
    CHECK((run.out + run.complaint).empty());
    run = run_ctl(api.path, "kick", {{"client_id", "b"}});
    CHECK(run.status == exit_refused);
    CHECK(run.complaint == "the broker refuses: no client has this id [404]\n");
}

TEST_CASE("a broker that is not there is told with what may help") {
    const Run run = run_ctl("/nowhere/ctl.sock", "overview");
    CHECK(run.status == exit_refused);
    CHECK(run.complaint.find("/nowhere/ctl.sock: No such file or directory") != std::string::npos);
    CHECK(run.complaint.find("--socket PATH") != std::string::npos);
}

TEST_CASE("a trace is shown event by event until its end") {
    ScriptedApi api(
        {chunked({"event: trace\ndata: {\"t_us\":5,\"stage\":\"received\",\"client_id\":\"a\",\"qos\":1}\n\n",
                  ": still here\n\nevent: end\ndata: {\"reason\":\"time\",\"events\":1}\n\n"})});
    const Run run = run_ctl(api.path, "trace", {{"client_id", "a"}});
    CHECK(run.status == exit_done);
    CHECK(run.out == "5  received  client_id=a  qos=1\n");
    CHECK(run.complaint == "the trace has ended: time\n");
}

TEST_CASE("a backup gets its name when it is complete, and does not replace a file") {
    ScriptedApi api({chunked({"first ", "second"}) + std::string(last_chunk)});
    const std::string file = api.folder + "/copy";
    Run run = run_ctl(api.path, "backup", {{"file", file}});
    CHECK(run.complaint.empty());
    CHECK(run.status == exit_done);
    CHECK(os::read_small_file(file) == "first second");
    struct stat facts {};
    REQUIRE(::stat(file.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777U) == 0600U);
    run = run_ctl(api.path, "backup", {{"file", file}});
    CHECK(run.status == exit_refused);
    CHECK(run.complaint.find("--force") != std::string::npos);
}

TEST_CASE("a backup that is cut short leaves no file") {
    ScriptedApi api({chunked({"half"})});
    const Run run = run_ctl(api.path, "backup", {{"file", api.folder + "/copy"}});
    CHECK(run.status == exit_refused);
    CHECK_FALSE(run.complaint.empty());
    CHECK(::access((api.folder + "/copy").c_str(), F_OK) != 0);
    CHECK(::access((api.folder + "/copy.part").c_str(), F_OK) != 0);
}

TEST_CASE("an answer of another program is told as such") {
    ScriptedApi api({answer("200 OK", "<html>")});
    CHECK(run_ctl(api.path, "store").complaint == "the answer is not one of a LedgeMQ broker\n");
}
