// The load of the crash rigs: crash_load PORT SEED PUBLICATIONS_PER_S LEVELS [copies]. LEVELS has a letter for each
// publisher: what its topics promise, d(urable), r(elaxed) or m(emory). A line in is a command, a line out its answer:
//   serve             a broker is being started     -> "up" at the first CONNACK
//   down              it has been killed            -> "down" when every connection has been read to its end
//   stopped           it has ended in order         -> the same
//   drain PATIENCE_MS finish everything and account -> one JSON object with all totals and the findings of the round
//   stats             -> the same without accounting
//   reconnect         all connections are dropped; what is unanswered is sent again -> "reconnect"
// `copies`: the broker sends a message once per overlapping subscription, as it may (5.0 section 3.3.4); nobody
// subscribes like that then. Totals count from the start of the program. It ends with its standard input.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cast.hpp"

namespace ledge::crash {
namespace {

constexpr auto down_wait_max = 2s;

class Load {
public:
    Load(std::uint16_t port, std::uint64_t seed, double rate, const std::vector<Level>& levels, bool has_copies)
        : stage_(port, seed), cast_(stage_, levels, has_copies) {
        stage_.publications_per_s = rate;
    }

    void run() {
        while (!is_over_) {
            turn();
            if (!is_answered_ && stage_.phase == Phase::serving && stage_.connacks > 0) answer("up");
        }
    }

private:
    void turn() {
        std::vector<pollfd> waiting{{STDIN_FILENO, POLLIN, 0}};
        std::vector<Client*> owners{nullptr};
        for (const auto& client : stage_.clients) {
            if (!client->has_socket()) continue;
            waiting.push_back({client->descriptor(), POLLIN, 0});
            owners.push_back(client.get());
        }
        const int timeout_ms = 1;
        if (::poll(waiting.data(), waiting.size(), timeout_ms) < 0) return;
        stage_.now = Clock::now();
        for (std::size_t i = 1; i < waiting.size(); ++i) {
            if (waiting[i].revents != 0 && owners[i]->has_socket()) owners[i]->receive();
        }
        for (const auto& client : stage_.clients) client->step();
        if (waiting[0].revents != 0 && !is_inside_) read_commands();
    }

    void read_commands() {
        char buffer[256];
        const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (size <= 0) {
            is_over_ = true;
            return;
        }
        input_.append(buffer, static_cast<std::size_t>(size));
        for (auto end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
            const std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            is_inside_ = true;
            obey(line);
            is_inside_ = false;
        }
    }

    void obey(const std::string& line) {
        if (line == "serve") return serve();
        if (line == "down") return down(false);
        if (line == "stopped") return down(true);
        if (line == "reconnect") return reconnect();
        if (line == "stats") return answer(report());
        if (line.starts_with("drain ")) return drain(std::chrono::milliseconds(std::atoi(line.c_str() + 6)));
        answer("unknown command");
    }

    void serve() {
        ++stage_.ledger.cycle;
        stage_.connacks = 0;
        stage_.phase = Phase::serving;
        is_answered_ = false;
    }

    void reconnect() {
        for (const auto& client : stage_.clients) {
            if (client->has_socket()) client->drop();
        }
        answer("reconnect");
    }

    // What the broker sent before its death is still in the sockets and counts.
    void down(bool in_order) {
        stage_.phase = Phase::down;
        const Time give_up = Clock::now() + down_wait_max;
        const auto has_socket = [](const auto& client) { return client->has_socket(); };
        while (std::any_of(stage_.clients.begin(), stage_.clients.end(), has_socket) && Clock::now() < give_up) turn();
        stage_.ledger.broker_ended(in_order);
        is_answered_ = true;
        answer("down");
    }

    void drain(std::chrono::milliseconds patience) {
        stage_.phase = Phase::draining;
        wait_until_settled(patience);
        cast_.read_retained();
        stage_.phase = Phase::reading;
        turn();  // the reader lets go of its connection
        wait_until_settled(patience);
        cast_.close_books();
        stage_.phase = Phase::serving;
        is_answered_ = true;
        answer(report());
    }

    // Gives up when nothing has moved for `patience`.
    void wait_until_settled(std::chrono::milliseconds patience) {
        std::uint64_t progress = stage_.progress;
        Time moved = Clock::now();
        while (!is_over_ && !cast_.is_settled()) {
            turn();
            if (stage_.progress != progress) moved = stage_.now;
            progress = stage_.progress;
            if (stage_.now - moved > patience) return;
        }
    }

    std::string report() {
        std::string text = "{";
        for (std::size_t i = 0; i < counts; ++i) {
            const auto what = static_cast<Count>(i);
            text += "\"" + std::string(name_of(what)) + "\": " + std::to_string(stage_.ledger.total(what)) + ", ";
        }
        text += "\"pulses\": " + std::to_string(stage_.pulses) +
                ", \"connects_refused\": " + std::to_string(stage_.connects_refused) + ", \"findings\": [";
        const char* separator = "";
        for (const std::string& finding : stage_.ledger.take_findings()) {
            text += separator + ("\"" + finding + "\"");
            separator = ", ";
        }
        return text + "]}";
    }

    void answer(const std::string& text) {
        is_answered_ = true;
        std::printf("%s\n", text.c_str());
        std::fflush(stdout);
    }

    Stage stage_;
    Cast cast_;
    std::string input_;
    bool is_answered_ = true;
    bool is_inside_ = false;  // a command is being obeyed
    bool is_over_ = false;
};

// Empty when there is another letter.
std::vector<Level> read_levels(std::string_view letters) {
    std::vector<Level> levels;
    for (const char letter : letters) {
        const std::size_t found = std::string_view("drm").find(letter);
        if (found == std::string_view::npos) return {};
        levels.push_back(static_cast<Level>(found));
    }
    return levels;
}

}  // namespace
}  // namespace ledge::crash

int main(int count, char** arguments) {
    const auto levels = count < 5 ? std::vector<ledge::crash::Level>() : ledge::crash::read_levels(arguments[4]);
    if (levels.empty()) {
        std::fprintf(stderr, "crash_load PORT SEED PUBLICATIONS_PER_S LEVELS [copies]\n");
        return 2;
    }
    const auto port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
    const auto seed = std::strtoull(arguments[2], nullptr, 10);
    const double rate = std::atof(arguments[3]);
    const bool has_copies = count > 5 && std::string(arguments[5]) == "copies";
    ledge::crash::Load(port, seed, rate, levels, has_copies).run();
    return 0;
}
